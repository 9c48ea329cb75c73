import { VideoOff } from "lucide-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { raw } from "@/lib/client";
import { useT } from "@/lib/i18n";
import { cx } from "@/ui/class-names";

/**
 * `stream` holds one connection per picture. Browsers keep six to a server, for all tabs together, so a wall streams a few
 * and shows the others as `stills`, one a second; and nothing is fetched for a tab that nobody looks at.
 */
export type LiveMode = "stream" | "stills";

interface LivePictureProps {
  cameraId: string;
  name: string;
  mode?: LiveMode;
  overlay?: boolean;
  /** False while the camera has no picture to give: then nothing is asked for. */
  running?: boolean;
  message?: string | null;
  className?: string;
  /** Width to height of the box; without it, the class decides. */
  aspect?: readonly [number, number];
  /** Told at the first picture and when its size changes, in pixels. */
  onSize?: (width: number, height: number) => void;
}

const STILL_MS = 1000;
const RETRY_MS = 4000;
/** A blank GIF: taking the address away is what closes a stream. */
const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

export function LivePicture({ cameraId, name, mode = "stream", overlay = false, running = true, message, className, aspect, onSize }: LivePictureProps) {
  const t = useT();
  const visible = useVisible();
  const [state, setState] = useState<"loading" | "shown" | "failed">("loading");
  const base = `/api/v1/surveillance/cameras/${cameraId}`;
  const Picture = mode === "stream" ? Stream : Stills;
  return (
    <div className={cx("relative overflow-hidden bg-[#0b0d0f]", className)} style={aspect && { aspectRatio: `${aspect[0]} / ${aspect[1]}` }}>
      {running && visible && (
        <Picture
          key={cameraId + mode + String(overlay)}
          path={`${base}/${mode === "stream" ? "live.mjpeg" : "snapshot.jpg"}?overlay=${overlay}`}
          alt={t("live.alt", { name })}
          className={cx("absolute inset-0 size-full object-contain", state !== "shown" && "invisible")}
          onShown={(image) => {
            setState("shown");
            onSize?.(image.naturalWidth, image.naturalHeight);
          }}
          onFailed={() => setState("failed")}
        />
      )}
      {(state !== "shown" || !running) && (
        <div className="absolute inset-0 flex flex-col items-center justify-center gap-2 p-4 text-center text-sm text-[#aab4bb]">
          {running && state === "loading" ? (
            <>
              <span aria-hidden className="pulse-soft size-2 rounded-full bg-current" />
              <span role="status">{t("live.loading")}</span>
            </>
          ) : (
            <>
              <VideoOff aria-hidden className="size-6" strokeWidth={1.5} />
              <span className="line-clamp-3 max-w-xs break-words">{message ?? t("live.none")}</span>
            </>
          )}
        </div>
      )}
    </div>
  );
}

interface PictureProps {
  path: string;
  alt: string;
  className: string;
  onShown: (image: HTMLImageElement) => void;
  onFailed: () => void;
}

/** MJPEG in an image element, asked for anew a while after it broke. */
function Stream({ path, alt, className, onShown, onFailed }: PictureProps) {
  const image = useRef<HTMLImageElement>(null);
  const retry = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const element = image.current;
    if (element) element.src = path;
    return () => {
      if (element) element.src = BLANK;
    };
  }, [path, attempt]);
  useEffect(() => () => clearTimeout(retry.current), []);
  return (
    <img
      ref={image}
      alt={alt}
      className={className}
      onLoad={({ currentTarget }) => !currentTarget.src.startsWith("data:") && onShown(currentTarget)}
      onError={() => {
        onFailed();
        clearTimeout(retry.current);
        retry.current = setTimeout(() => setAttempt((now) => now + 1), RETRY_MS);
      }}
    />
  );
}

/** Snapshots, each fetched when the last one is shown: a slow line gives fewer, never a queue. */
function Stills({ path, alt, className, onShown, onFailed }: PictureProps) {
  const [src, setSrc] = useState(BLANK);
  const failed = useEffectEvent(onFailed);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let shown: string | undefined;
    const look = async () => {
      let wait = STILL_MS;
      try {
        const picture = await (await raw(path, { signal: stop.signal, cache: "no-store" })).blob();
        const next = URL.createObjectURL(picture);
        setSrc(next);
        if (shown) URL.revokeObjectURL(shown);
        shown = next;
      } catch {
        if (stop.signal.aborted) return;
        failed();
        wait = RETRY_MS;
      }
      if (!stop.signal.aborted) timer = setTimeout(look, wait);
    };
    look();
    return () => {
      stop.abort();
      clearTimeout(timer);
      if (shown) URL.revokeObjectURL(shown);
    };
  }, [path]);
  return <img src={src} alt={alt} className={className} onLoad={({ currentTarget }) => src !== BLANK && onShown(currentTarget)} />;
}

function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const look = () => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return visible;
}
