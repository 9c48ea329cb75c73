import { ImageOff } from "lucide-react";
import { useState } from "react";
import type { Event } from "@/api/types";
import { useT } from "@/lib/i18n";
import { cx } from "@/ui/class-names";

/** The snapshot of an event, small; a quiet mark where there is none (yet). */
export function EventThumb({ event, className }: { event: Event; className?: string }) {
  const [broken, setBroken] = useState(false);
  return (
    <span className={cx("flex items-center justify-center overflow-hidden rounded-[5px] bg-sunken", className)}>
      {event.snapshot_url && !broken ? (
        <img src={event.snapshot_url} alt="" loading="lazy" className="size-full object-cover" onError={() => setBroken(true)} />
      ) : (
        <ImageOff aria-hidden className="size-4 text-muted" />
      )}
    </span>
  );
}

/** The snapshot with the way that was walked and the box of the moment drawn over it. Both are shares of the picture. */
export function TrackPicture({ event }: { event: Event }) {
  const t = useT();
  const [size, setSize] = useState<[number, number] | null>(null);
  const line = event.evidence.polyline as [number, number][];
  const box = event.evidence.box as [number, number, number, number] | null | undefined;
  if (!event.snapshot_url) return <p className="p-6 text-center text-muted">{t("event.noSnapshot")}</p>;
  const [width, height] = size ?? [16, 9];
  const at = ([x, y]: [number, number]) => `${x * width},${y * height}`;
  const unit = width / 400;
  const last = line.at(-1);
  const first = line[0];
  return (
    <div className="relative overflow-hidden rounded-control bg-[#0b0d0f]">
      <img
        src={event.snapshot_url}
        alt={t("event.snapshotAlt", { camera: event.camera_name })}
        className="block h-auto w-full"
        onLoad={(loaded) => setSize([loaded.currentTarget.naturalWidth, loaded.currentTarget.naturalHeight])}
      />
      {size && (
        <svg viewBox={`0 0 ${width} ${height}`} className="absolute inset-0 size-full" aria-hidden>
          {line.length > 1 && (
            <>
              <polyline points={line.map(at).join(" ")} fill="none" stroke="#000" strokeOpacity="0.55" strokeWidth={unit * 3.6} strokeLinejoin="round" strokeLinecap="round" />
              <polyline points={line.map(at).join(" ")} fill="none" stroke="#ffd166" strokeWidth={unit * 1.8} strokeLinejoin="round" strokeLinecap="round" />
            </>
          )}
          {first && <circle cx={first[0] * width} cy={first[1] * height} r={unit * 3} fill="#fff" stroke="#000" strokeOpacity="0.6" strokeWidth={unit} />}
          {last && <circle cx={last[0] * width} cy={last[1] * height} r={unit * 3.4} fill="#ffd166" stroke="#000" strokeOpacity="0.6" strokeWidth={unit} />}
          {box && (
            <rect x={box[0] * width} y={box[1] * height} width={box[2] * width} height={box[3] * height} fill="none" stroke="#ff6b5e" strokeWidth={unit * 1.6} rx={unit} />
          )}
        </svg>
      )}
    </div>
  );
}
