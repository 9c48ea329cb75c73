import type { QueryClient } from "@tanstack/react-query";
import { redirect } from "@tanstack/react-router";
import { adoptLocale } from "./i18n";
import { toProblem } from "./problem";
import { meQuery } from "./session";

/** Before a page that needs somebody: who is signed in, or the way to the sign-in and back. */
export async function needSignIn({ context, location }: { context: { queries: QueryClient }; location: { href: string } }) {
  try {
    adoptLocale((await context.queries.ensureQueryData(meQuery)).locale);
  } catch (error) {
    if (toProblem(error).status === 401) throw redirect({ to: "/login", search: { next: location.href }, replace: true });
    throw error;
  }
}
