import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Outlet, redirect } from "@tanstack/react-router";
import { useEffect } from "react";
import { useAdminLive } from "@/features/admin/live";
import { Bell } from "@/features/notifications/components/bell";
import { useNotificationsLive } from "@/features/notifications/live";
import { Shell } from "@/features/shell/components/shell";
import { useSurveillanceLive } from "@/features/surveillance/live";
import { statsQuery } from "@/features/surveillance/queries";
import { adoptLocale } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { realtime, useRoom } from "@/lib/realtime-react";
import { meQuery, useCan, useMe } from "@/lib/session";

export const Route = createFileRoute("/_app")({
  beforeLoad: async ({ context, location }) => {
    try {
      adoptLocale((await context.queries.ensureQueryData(meQuery)).locale);
    } catch (error) {
      if (toProblem(error).status === 401) throw redirect({ to: "/login", search: { next: location.href }, replace: true });
      throw error;
    }
  },
  component: App,
});

function App() {
  const me = useMe();
  const sees = useCan("surveillance.events.read");
  const stats = useQuery({ ...statsQuery(1), enabled: sees });
  useSurveillanceLive();
  useAdminLive();
  useNotificationsLive(me.workspace.id);
  useRoom(`workspace:${me.workspace.id}`);
  useRoom(`user:${me.id}`);
  useEffect(() => {
    realtime.start();
    const wake = () => realtime.wake();
    window.addEventListener("online", wake);
    return () => {
      window.removeEventListener("online", wake);
      realtime.stop();
    };
  }, []);
  // Another account in the same tab is another page: nothing half-typed is carried over.
  return (
    <Shell key={me.id} bell={<Bell />} counts={{ "/surveillance/events": stats.data?.events.unacknowledged }}>
      <Outlet />
    </Shell>
  );
}

