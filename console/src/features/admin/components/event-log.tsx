import { useInfiniteQuery } from "@tanstack/react-query";
import { Eraser, Pause, Play, Radio } from "lucide-react";
import { memo, useState } from "react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { pretty } from "@/lib/pretty";
import { useConnection, useTopic } from "@/lib/realtime-react";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Disclosure } from "@/ui/disclosure";
import { SelectField, TextField } from "@/ui/field";
import { Json } from "@/ui/json";
import { More } from "@/ui/more";
import { Notice } from "@/ui/notice";
import { Empty, Failed, Loading } from "@/ui/states";
import { toProblem } from "@/lib/problem";
import { entryOf, KEPT, merged, passes, summary, topicChoices, type Entry } from "@/features/admin/log";
import { heardQuery } from "@/features/admin/queries";

/** What the rooms that this page is in tell, as it comes, over what was heard before. The shell holds `workspace:…` and `user:…`. */
export function EventLog() {
  const t = useT();
  const past = useInfiniteQuery(heardQuery);
  const [live, setLive] = useState<readonly Entry[]>([]);
  const [held, setHeld] = useState<readonly Entry[] | null>(null);
  const [cleared, setCleared] = useState(false);
  const [topic, setTopic] = useState("");
  const [words, setWords] = useState("");
  const connection = useConnection();
  useTopic("", (event) => {
    // Frames are a camera's pulse, several a second: they are not what a log is for.
    if (event.offset === null) return;
    setLive((before) => [entryOf(event), ...before].slice(0, KEPT));
  });
  const heard = past.data?.pages.flatMap((page) => page.items.map(entryOf)) ?? [];
  const all = merged(live, cleared ? [] : heard);
  // Paused, the list stands still; what comes meanwhile waits behind it.
  const paused = held !== null;
  const entries = (held ?? all).filter((entry) => passes(entry, { topic, words }));
  const at = paused ? live.findIndex((entry) => entry.key === held[0]?.key) : 0;
  const waiting = at === -1 ? live.length : at;
  return (
    <div className="card">
      <div className="grid grid-cols-2 items-end gap-2.5 border-b border-line p-3 md:grid-cols-[16rem_16rem_1fr]">
        <SelectField
          label={t("log.topic")}
          options={[{ id: "all", label: t("filter.any") }, ...topicChoices(all).map((one) => ({ id: one, label: one.endsWith(".") ? `${one}*` : one }))]}
          value={topic === "" ? "all" : topic}
          onChange={(one) => setTopic(one === "all" ? "" : one)}
        />
        <TextField label={t("log.words")} type="search" value={words} onChange={setWords} />
        <div className="flex flex-wrap justify-end gap-2 max-md:col-span-2 max-md:justify-start">
          <Button icon={paused ? Play : Pause} aria-pressed={paused} onPress={() => setHeld(paused ? null : all)}>
            {t(paused ? "log.resume" : "log.pause")}
          </Button>
          <Button
            icon={Eraser}
            onPress={() => {
              setLive([]);
              setCleared(true);
              setHeld(null);
            }}
          >
            {t("log.clear")}
          </Button>
          <CopyButton label={t("log.copyAll")} text={() => pretty(entries.map(told))} />
        </div>
      </div>
      <p role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 text-sm text-muted tabular-nums">
        {paused ? (
          <Badge tone="warn">{t("log.paused")}</Badge>
        ) : (
          <Badge tone={connection === "online" ? "good" : "warn"} dot={connection === "online" ? "pulsing" : true}>
            {t(connection === "online" ? "live.on" : "live.connecting")}
          </Badge>
        )}
        {t("log.count", { n: entries.length })}
        {paused && waiting > 0 && <span>{t("log.behind", { n: waiting })}</span>}
      </p>
      {past.isError && all.length > 0 && <Notice problem={toProblem(past.error)} className="m-3" />}
      {entries.length > 0 ? (
        <div role="log" aria-label={t("nav.log")} aria-live={paused ? "off" : "polite"} aria-relevant="additions">
          <ol className="divide-y divide-line">
            {entries.map((entry) => (
              <EntryRow key={entry.key} entry={entry} />
            ))}
          </ol>
        </div>
      ) : past.isPending ? (
        <Loading />
      ) : past.isError && live.length === 0 ? (
        <Failed error={past.error} onRetry={() => void past.refetch()} />
      ) : (
        <Empty icon={Radio} title={t(topic !== "" || words !== "" ? "log.noMatch" : "log.none")}>
          {t("log.noneBody")}
        </Empty>
      )}
      {!cleared && !paused && all.length < KEPT && <More query={past} />}
      {all.length >= KEPT && <p className="border-t border-line px-4 py-2.5 text-sm text-muted">{t("log.full", { n: KEPT })}</p>}
    </div>
  );
}

/** An event as the server told it. */
const told = ({ offset, room, topic, at, data }: Entry) => ({ offset, room, topic, at, data });

/** Hundreds of these stand while others come: each is drawn once. */
const EntryRow = memo(function EntryRow({ entry }: { entry: Entry }) {
  const t = useT();
  const format = useFormat();
  return (
    <li className="[content-visibility:auto] [contain-intrinsic-size:auto_2.5rem]">
      <Disclosure
        head={
          <span className="flex min-w-0 flex-wrap items-baseline gap-x-4 gap-y-0.5">
            <time dateTime={entry.at} title={format.dateTime(entry.at)} className="font-mono text-xs text-muted tabular-nums">
              {format.time(entry.at)}
            </time>
            <span className="font-medium break-all">{entry.topic}</span>
            <span className="min-w-0 flex-1 basis-48 truncate text-sm text-muted">{summary(entry.data)}</span>
          </span>
        }
      >
        {() => <Json label={t("log.dataOf", { topic: entry.topic })} value={told(entry)} />}
      </Disclosure>
    </li>
  );
});
