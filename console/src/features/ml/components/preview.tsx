import { useQuery } from "@tanstack/react-query";
import { FileQuestionMark } from "lucide-react";
import { useMemo, useState } from "react";
import { useT } from "@/lib/i18n";
import { pretty } from "@/lib/pretty";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/notice";
import { Empty, Loading } from "@/ui/states";
import { artifactHref, framedHref } from "@/features/ml/client";
import { plainHtml, previewOf, TABLE_BYTES, tableOfJson, tableOfText, TEXT_BYTES, type PreviewKind, type Table } from "@/features/ml/preview";
import { artifactTextQuery, framedQuery } from "@/features/ml/queries";
import { MlFault } from "./bits";

interface Props {
  runId: string;
  path: string;
  size: number | undefined;
}

/** What is in a file, by its kind. */
export function Preview({ runId, path, size }: Props) {
  const t = useT();
  const kind = previewOf(path, size);
  if (kind === "none") {
    return (
      <Empty icon={FileQuestionMark} title={t("ml.preview.none")}>
        {t("ml.preview.noneBody")}
      </Empty>
    );
  }
  if (kind === "image") {
    return (
      <div className="flex justify-center bg-sunken p-4">
        <img src={artifactHref(runId, path)} alt={path} className="max-h-[70dvh] min-h-16 max-w-full object-contain" />
      </div>
    );
  }
  return kind === "html" ? <Html runId={runId} path={path} /> : <ByText runId={runId} path={path} kind={kind} />;
}

function ByText({ runId, path, kind }: Omit<Props, "size"> & { kind: PreviewKind }) {
  const t = useT();
  const query = useQuery(artifactTextQuery(runId, path, kind === "text" ? TEXT_BYTES : TABLE_BYTES));
  if (query.isError) return <MlFault error={query.error} className="m-4" />;
  if (!query.data) return <Loading />;
  const { text, isCut } = query.data;
  return (
    <>
      {isCut && <Notice className="m-4 mb-0">{t("ml.preview.cut")}</Notice>}
      <Content kind={kind} path={path} text={text} isCut={isCut} />
    </>
  );
}

function Content({ kind, path, text, isCut }: { kind: PreviewKind; path: string; text: string; isCut: boolean }) {
  const value = useMemo((): { table: Table } | { text: string } => {
    if (kind === "table") return { table: tableOfText(text, /\.tsv$/i.test(path) ? "\t" : ",", isCut) };
    if (kind !== "json" || isCut) return { text };
    try {
      const json: unknown = JSON.parse(text);
      const table = tableOfJson(json);
      return table ? { table } : { text: pretty(json) };
    } catch {
      return { text };
    }
  }, [kind, path, text, isCut]);
  if (kind === "html") return <PlainHtml text={text} path={path} />;
  if ("table" in value) return <TableView table={value.table} label={path} />;
  return (
    <pre tabIndex={0} role="region" aria-label={path} className="max-h-[70dvh] overflow-auto p-4 font-mono text-xs leading-5 break-words whitespace-pre-wrap focus-visible:-outline-offset-2">
      {value.text}
    </pre>
  );
}

/** The one that the server's policy lets pages load from: figures of plotly as `mlflow.log_figure` writes them need it. */
const LOADED_HOST = "cdn.plot.ly";

/**
 * Somebody else's page, in a frame with another origin: it sees nothing of the console. Where the server gives it a policy of its own,
 * it runs as it is; else it is under ours, which takes no scripts and styles from texts, so that these are left out.
 */
function Html({ runId, path }: { runId: string; path: string }) {
  const t = useT();
  const framed = useQuery(framedQuery(runId, path));
  if (framed.isPending) return <Loading />;
  if (framed.data) {
    const missing = framed.data.hosts.filter((host) => host !== LOADED_HOST);
    return (
      <>
        {missing.length > 0 && <Notice className="m-4">{t("ml.preview.hosts", { hosts: missing.join(", ") })}</Notice>}
        {missing.length < framed.data.hosts.length && <p className="border-b border-line px-4 py-2 text-sm text-muted">{t("ml.preview.loads", { host: LOADED_HOST })}</p>}
        <iframe title={path} sandbox="allow-scripts" src={framedHref(runId, path)} className={frameClass} style={{ colorScheme: "light" }} />
      </>
    );
  }
  return <ByText runId={runId} path={path} kind="html" />;
}

const frameClass = "block h-[70dvh] w-full rounded-b-card bg-white";

function PlainHtml({ text, path }: { text: string; path: string }) {
  const t = useT();
  const plain = useMemo(() => plainHtml(text), [text]);
  return (
    <>
      <p className="border-b border-line px-4 py-2 text-sm text-muted">{t("ml.preview.html")}</p>
      <iframe title={path} sandbox="" srcDoc={plain} className={frameClass} style={{ colorScheme: "light" }} />
    </>
  );
}

const ROWS = 200;

export function TableView({ table, label }: { table: Table; label: string }) {
  const t = useT();
  const [rows, setRows] = useState(ROWS);
  return (
    <>
      <div tabIndex={0} role="region" aria-label={label} className="max-h-[70dvh] overflow-auto focus-visible:-outline-offset-2">
        <table className="w-full text-left text-sm">
          <thead className="sticky top-0 bg-surface text-muted">
            <tr className="border-b border-line">
              {table.columns.map((column, at) => (
                <th key={at} scope="col" className="px-4 py-2 font-medium whitespace-nowrap">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {table.rows.slice(0, rows).map((row, at) => (
              <tr key={at}>
                {row.map((cell, column) => (
                  <td key={column} className="max-w-96 min-w-16 px-4 py-1.5 align-top break-words">
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {table.rows.length > rows && (
        <div className="border-t border-line px-4 py-2.5">
          <Button small onPress={() => setRows(rows * 5)}>
            {t("ml.rows.more", { n: table.rows.length - rows })}
          </Button>
        </div>
      )}
    </>
  );
}
