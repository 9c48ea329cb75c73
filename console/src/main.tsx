import { QueryClientProvider } from "@tanstack/react-query";
import { createRouter, RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { isOpen } from "@/lib/doors";
import { createQueries } from "@/lib/queries-client";
import { parseSearch, stringifySearch } from "@/lib/search";
import { Failed, Loading } from "@/ui/states";
import { routeTree } from "./routeTree.gen";
import "./styles.css";

const queries = createQueries(
  function onSignedOut() {
    const { pathname, href } = router.state.location;
    if (isOpen(pathname)) return;
    queries.clear();
    router.navigate({ to: "/login", search: { next: href }, replace: true });
  },
  function onFactorNeeded() {
    if (router.state.location.pathname !== "/account/security") router.navigate({ to: "/account/security", replace: true });
  },
);

const router = createRouter({
  routeTree,
  context: { queries },
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} onRetry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
