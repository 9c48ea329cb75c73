import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { realtime, useRoom, useTopic } from "@/lib/realtime-react";
import { keys } from "./queries";

/** A burst of events is one reload: the first is shown within `GATHER_MS`, the others with it. */
const GATHER_MS = 400;

/** Keeps what is on the page true while the server speaks. Stands once, in the shell. */
export function useSurveillanceLive() {
  const queries = useQueryClient();
  const waiting = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const forget = (queryKey: readonly string[]) => {
    const name = queryKey.join();
    if (waiting.current.has(name)) return;
    waiting.current.set(
      name,
      setTimeout(() => {
        waiting.current.delete(name);
        queries.invalidateQueries({ queryKey });
      }, GATHER_MS),
    );
  };
  useTopic("surveillance.", ({ topic }) => {
    if (topic === "surveillance.new_event" || topic === "surveillance.event_updated") {
      forget(keys.events);
      forget(keys.stats);
    } else if (topic === "surveillance.camera_health") forget(keys.cameras);
  });
  useEffect(() => realtime.onReset(() => void queries.invalidateQueries()), [queries]);
  useEffect(() => {
    const pending = waiting.current;
    return () => pending.forEach((timer) => clearTimeout(timer));
  }, []);
}

export interface SeenObject {
  track_id: number;
  class: string;
  score: number;
}

/** What the camera sees now, from its ephemeral frames; null until one came, and again when they cease. */
export function useSeen(cameraId: string): SeenObject[] | null {
  const [seen, setSeen] = useState<SeenObject[] | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useRoom(`camera:${cameraId}`);
  useTopic("surveillance.frame_update", ({ room, data }) => {
    if (room !== `camera:${cameraId}`) return;
    setSeen((data as { objects?: SeenObject[] }).objects ?? []);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSeen(null), 5000);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return seen;
}
