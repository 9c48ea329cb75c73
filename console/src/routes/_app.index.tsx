import { createFileRoute, redirect } from "@tanstack/react-router";
import { fromMlflow } from "@/features/ml/mlflow-links";

export const Route = createFileRoute("/_app/")({
  beforeLoad: ({ location }) => {
    const known = fromMlflow(location.hash);
    throw known === undefined ? redirect({ to: "/surveillance", replace: true }) : redirect({ href: known, replace: true });
  },
});
