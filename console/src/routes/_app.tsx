import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Outlet } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useAdminLive } from "@/features/admin/live";
import { Bell } from "@/features/notifications/components/bell";
import { useMlLive } from "@/features/ml/live";
import { useNotificationsLive } from "@/features/notifications/live";
import { Shell } from "@/features/shell/components/shell";
import { useSurveillanceLive } from "@/features/surveillance/live";
import { statsQuery } from "@/features/surveillance/queries";
import { realtime, useRoom } from "@/lib/realtime-react";
import { NewWorkspaceDialog } from "@/features/workspace/forms/new-workspace";
import { useCan, useMe } from "@/lib/session";
import { needSignIn } from "@/lib/signed-in";

export const Route = createFileRoute("/_app")({
  beforeLoad: needSignIn,
  component: App,
});

function App() {
  const me = useMe();
  const sees = useCan("surveillance.events.read");
  const founds = useCan("identity.workspaces.write");
  const [founding, setFounding] = useState(false);
  const stats = useQuery({ ...statsQuery(1), enabled: sees });
  useSurveillanceLive();
  useAdminLive();
  useMlLive();
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
    <Shell key={me.id} bell={<Bell />} counts={{ "/surveillance/events": stats.data?.events.unacknowledged }} onNewWorkspace={founds ? () => setFounding(true) : undefined}>
      <Outlet />
      <NewWorkspaceDialog isOpen={founding} onClose={() => setFounding(false)} />
    </Shell>
  );
}

