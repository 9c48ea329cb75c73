import { Link } from "@tanstack/react-router";
import type { Camera } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { detectorLabel } from "@/features/surveillance/labels";
import { HealthBadge } from "./health-badge";

/** All cameras in one table: what runs, how fast, since when. */
export function CameraStates({ cameras }: { cameras: readonly Camera[] }) {
  const t = useT();
  const format = useFormat();
  if (cameras.length === 0) return <p className="p-4 text-muted">{t("wall.none")}</p>;
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t("nav.cameras")}>
      <table className="w-full text-left whitespace-nowrap">
        <thead className="text-sm text-muted">
          <tr className="border-b border-line">
            <th className="px-4 py-2 font-medium">{t("camera.name")}</th>
            <th className="px-4 py-2 font-medium">{t("health.state")}</th>
            <th className="px-4 py-2 text-right font-medium">{t("health.fpsIn")}</th>
            <th className="px-4 py-2 text-right font-medium">{t("health.fpsAnalysed")}</th>
            <th className="px-4 py-2 text-right font-medium">{t("health.restarts")}</th>
            <th className="px-4 py-2 font-medium">{t("health.detector")}</th>
            <th className="px-4 py-2 font-medium">{t("health.since")}</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {cameras.map((camera) => (
            <tr key={camera.id}>
              <td className="px-4 py-2">
                <Link to="/surveillance/cameras/$cameraId" params={{ cameraId: camera.id }} className="font-medium hover:underline">
                  {camera.name}
                </Link>
              </td>
              <td className="px-4 py-2">
                <HealthBadge health={camera.health} />
              </td>
              <td className="px-4 py-2 text-right">{format.number(camera.health.fps_in)}</td>
              <td className="px-4 py-2 text-right">{format.number(camera.health.fps_analysed)}</td>
              <td className="px-4 py-2 text-right">{format.number(camera.health.restarts)}</td>
              <td className="px-4 py-2">{detectorLabel(t, camera.health.detector)}</td>
              <td className="px-4 py-2 text-muted">{format.ago(camera.health.since)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
