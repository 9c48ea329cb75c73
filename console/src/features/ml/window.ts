import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

/** Rows beyond what is seen that are built all the same, so that scrolling shows no gaps. */
const SPARE = 12;

export interface Seen {
  /** The first row that is built. */
  from: number;
  /** Behind the last one. */
  to: number;
}

/** Which of many rows of one height are to be built, by where a box is scrolled to. */
export function seenRows(scrollTop: number, height: number, rowHeight: number, count: number): Seen {
  const first = Math.floor(scrollTop / rowHeight);
  const last = Math.ceil((scrollTop + height) / rowHeight);
  return { from: Math.max(0, Math.min(first - SPARE, count)), to: Math.max(0, Math.min(last + SPARE, count)) };
}

/** The rows to build of a box that scrolls. Told anew only when they change, not at each pixel. */
export function useSeenRows(count: number, rowHeight: number): { box: (element: HTMLElement | null) => void; seen: Seen } {
  const [seen, setSeen] = useState<Seen>({ from: 0, to: Math.min(count, 60) });
  const element = useRef<HTMLElement | null>(null);
  const look = useCallback(() => {
    const at = element.current;
    if (!at) return;
    const next = seenRows(at.scrollTop, at.clientHeight, rowHeight, count);
    setSeen((now) => (now.from === next.from && now.to === next.to ? now : next));
  }, [count, rowHeight]);
  const looking = useRef(look);
  useEffect(() => {
    looking.current = look;
    look();
  }, [look]);
  const ends = useRef<(() => void) | null>(null);
  const box = useCallback((at: HTMLElement | null) => {
    ends.current?.();
    ends.current = null;
    element.current = at;
    if (!at) return;
    const onLook = () => looking.current();
    at.addEventListener("scroll", onLook, { passive: true });
    const watcher = new ResizeObserver(onLook);
    watcher.observe(at);
    ends.current = () => {
      at.removeEventListener("scroll", onLook);
      watcher.disconnect();
    };
    onLook();
  }, []);
  return { box, seen };
}

/** Of a row of tabs that is longer than the window, the current one is in sight. */
export function useTabInSight(path: string): RefObject<HTMLElement | null> {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    row.current?.querySelector("[data-status=active]")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }, [path]);
  return row;
}

/** Whether an element is, or was, in sight: charts below the fold are not asked for. */
export function useWasSeen(): [(element: HTMLElement | null) => void, boolean] {
  const [wasSeen, setWasSeen] = useState(false);
  const watcher = useRef<IntersectionObserver | null>(null);
  const ref = useCallback((element: HTMLElement | null) => {
    watcher.current?.disconnect();
    if (!element) return;
    watcher.current = new IntersectionObserver(([entry]) => entry?.isIntersecting && setWasSeen(true), { rootMargin: "200px" });
    watcher.current.observe(element);
  }, []);
  return [ref, wasSeen];
}
