import type { Source } from "@/api/types";
import { useT } from "@/lib/i18n";
import { SelectField, Switch, TextField } from "@/ui/field";

const EXAMPLES: Record<string, string> = {
  rtsp: "rtsp://user:password@192.168.1.20:554/stream1",
  http: "http://192.168.1.21/video.mjpg",
  file: "/srv/recordings/entrance.mp4",
};

interface Props {
  source: Source;
  onChange: (source: Source) => void;
  error?: string;
}

/** Where the pictures come from. */
export function SourceFields({ source, onChange, error }: Props) {
  const t = useT();
  return (
    <div className="grid gap-4 sm:grid-cols-[11rem_1fr]">
      <SelectField
        label={t("source.kind")}
        options={[
          { id: "rtsp", label: t("source.rtsp") },
          { id: "http", label: t("source.http") },
          { id: "file", label: t("source.file") },
        ]}
        value={source.kind}
        onChange={(kind) => onChange({ ...source, kind: kind as Source["kind"] })}
      />
      <TextField
        label={source.kind === "file" ? t("source.path") : t("source.url")}
        hint={t(source.kind === "file" ? "source.pathHint" : "source.urlHint")}
        placeholder={EXAMPLES[source.kind]}
        error={error}
        isRequired
        mono
        value={source.url}
        autoComplete="off"
        onChange={(url) => onChange({ ...source, url, kind: guess(url) ?? source.kind })}
      />
      {source.kind === "rtsp" && (
        <SelectField
          label={t("source.transport")}
          options={[
            { id: "tcp", label: t("source.tcp") },
            { id: "udp", label: t("source.udp") },
          ]}
          value={source.transport ?? "tcp"}
          onChange={(transport) => onChange({ ...source, transport: transport as "tcp" | "udp" })}
        />
      )}
      {source.kind === "file" && (
        <div className="flex flex-wrap gap-x-6 gap-y-2 sm:col-span-2">
          <Switch isSelected={source.loop ?? true} onChange={(loop) => onChange({ ...source, loop })}>
            {t("source.loop")}
          </Switch>
          <Switch isSelected={source.real_time ?? true} onChange={(real_time) => onChange({ ...source, real_time })}>
            {t("source.realTime")}
          </Switch>
        </div>
      )}
    </div>
  );
}

/** The kind that an address plainly is, so that pasting one is enough. */
function guess(url: string): Source["kind"] | null {
  if (/^rtsps?:\/\//i.test(url)) return "rtsp";
  if (/^https?:\/\//i.test(url)) return "http";
  if (/^(\/|file:\/\/|[a-z]:\\)/i.test(url)) return "file";
  return null;
}

/** Only what belongs to its kind is sent. */
export function cleanSource(source: Source): Source {
  const { kind } = source;
  const url = source.url.trim();
  if (kind === "rtsp") return { kind, url, transport: source.transport ?? "tcp" };
  if (kind === "file") return { kind, url, loop: source.loop ?? true, real_time: source.real_time ?? true };
  return { kind, url };
}
