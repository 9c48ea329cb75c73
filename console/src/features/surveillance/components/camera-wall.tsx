import { Link } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight, Maximize, Minimize } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Camera } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { recall, remember } from "@/lib/storage";
import { IconButton } from "@/ui/button";
import { cx } from "@/ui/class-names";
import { SelectField } from "@/ui/field";
import { HealthBadge, hasPicture } from "./health-badge";
import { LivePicture } from "./live-picture";

const SIZES = ["1", "4", "9", "16"] as const;
/** Of the six connections that a browser keeps to one server, half stay free for everything else. */
const STREAMS_MAX = 3;

/** One picture or up to sixteen; more cameras turn pages. */
export function CameraWall({ cameras }: { cameras: readonly Camera[] }) {
  const t = useT();
  const wall = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState(() => SIZES.find((known) => known === recall("wall")) ?? fitting(cameras.length));
  const [page, setPage] = useState(0);
  const [full, setFull] = useState(false);
  const perPage = Number(size);
  const pages = Math.max(1, Math.ceil(cameras.length / perPage));
  const shown = cameras.slice(Math.min(page, pages - 1) * perPage, (Math.min(page, pages - 1) + 1) * perPage);

  useEffect(() => {
    const look = () => setFull(document.fullscreenElement === wall.current && wall.current !== null);
    document.addEventListener("fullscreenchange", look);
    return () => document.removeEventListener("fullscreenchange", look);
  }, []);

  return (
    <div ref={wall} className={cx(full && "flex h-dvh flex-col bg-black p-2")}>
      <div className={cx("mb-3 flex items-center justify-between gap-2", full && "text-white")}>
        <SelectField
          label={t("wall.size")}
          labelHidden
          className="w-36"
          options={SIZES.map((count) => ({ id: count, label: t("wall.pictures", { n: Number(count) }) }))}
          value={size}
          onChange={(chosen) => {
            setSize(chosen as typeof size);
            setPage(0);
            remember("wall", chosen);
          }}
        />
        <span className="flex items-center gap-1">
          {pages > 1 && (
            <>
              <IconButton icon={ChevronLeft} label={t("pager.previous")} isDisabled={page === 0} onPress={() => setPage(page - 1)} />
              <span className="text-sm tabular-nums">{t("pager.position", { page: page + 1, pages })}</span>
              <IconButton icon={ChevronRight} label={t("pager.next")} isDisabled={page >= pages - 1} onPress={() => setPage(page + 1)} />
            </>
          )}
          <IconButton
            icon={full ? Minimize : Maximize}
            label={full ? t("fullscreen.leave") : t("fullscreen.enter")}
            onPress={() => void (full ? document.exitFullscreen() : wall.current?.requestFullscreen())}
          />
        </span>
      </div>
      <ul
        className={cx(
          "grid gap-3",
          full && "min-h-0 flex-1 auto-rows-fr gap-1!",
          perPage === 4 && "sm:grid-cols-2",
          perPage === 9 && "grid-cols-1 min-[480px]:grid-cols-2 xl:grid-cols-3",
          perPage === 16 && "grid-cols-2 md:grid-cols-3 xl:grid-cols-4",
        )}
      >
        {shown.map((camera, index) => (
          <Tile key={camera.id} camera={camera} stream={index < STREAMS_MAX} full={full} />
        ))}
      </ul>
    </div>
  );
}

/** The smallest wall on which all have a place. */
function fitting(count: number): (typeof SIZES)[number] {
  return SIZES.find((size) => Number(size) >= count) ?? "16";
}

function Tile({ camera, stream, full }: { camera: Camera; stream: boolean; full: boolean }) {
  const format = useFormat();
  const t = useT();
  return (
    <li className={cx("group relative overflow-hidden", full ? "flex min-h-0 flex-col" : "card")}>
      <LivePicture
        cameraId={camera.id}
        name={camera.name}
        mode={stream ? "stream" : "stills"}
        running={hasPicture(camera.health)}
        message={camera.enabled ? camera.health.message : t("camera.disabled")}
        className={full ? "min-h-0 flex-1" : "aspect-video"}
      />
      <div className={cx("flex items-center justify-between gap-2 px-3 py-2", full && "bg-black text-white")}>
        <Link
          to="/surveillance/cameras/$cameraId"
          params={{ cameraId: camera.id }}
          className="min-w-0 truncate font-medium after:absolute after:inset-0 hover:underline"
        >
          {camera.name}
        </Link>
        <span className="flex shrink-0 items-center gap-2 text-xs text-muted tabular-nums">
          {camera.health.state === "online" && <span className="max-sm:hidden">{t("fps", { n: format.number(camera.health.fps_in) })}</span>}
          <HealthBadge health={camera.health} />
        </span>
      </div>
    </li>
  );
}
