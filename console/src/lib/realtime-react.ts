import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import { Realtime, type Connection, type RoomEvent } from "./realtime";

/** The one connection of this page. */
export const realtime = new Realtime({
  url: () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
});

export function useConnection(): Connection {
  return useSyncExternalStore(realtime.watch, () => realtime.connection);
}

/** Holds a room while the view stands. */
export function useRoom(room: string | null) {
  useEffect(() => (room === null ? undefined : realtime.join(room)), [room]);
}

/** Hears the events whose topic is `topic`, or starts with it when it ends in a dot; all of them where it is empty. */
export function useTopic(topic: string, listener: (event: RoomEvent) => void) {
  const heard = useEffectEvent((event: RoomEvent) => {
    if (topic === "" || topic.endsWith(".") ? event.topic.startsWith(topic) : event.topic === topic) listener(event);
  });
  useEffect(() => realtime.listen(heard), []);
}
