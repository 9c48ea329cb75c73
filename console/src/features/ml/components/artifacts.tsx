import { useQuery } from "@tanstack/react-query";
import { ChevronRight, Download, File, FileImage, FileText, Folder, FolderOpen, Package, Table2 } from "lucide-react";
import { useState } from "react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { buttonClass } from "@/ui/button";
import { cx } from "@/ui/class-names";
import { Empty, Loaded, Loading } from "@/ui/states";
import { artifactHref } from "@/features/ml/client";
import { foldersTo, nameOf, previewOf, sortedFiles } from "@/features/ml/preview";
import { artifactsQuery } from "@/features/ml/queries";
import type { ArtifactFile } from "@/features/ml/types";
import { Preview } from "./preview";
import { Begin, MlFault } from "./bits";

interface Props {
  runId: string;
  path: string | undefined;
  onPath: (path: string) => void;
}

/** The files of a run: folders that unfold at the left, what is in a file at the right. */
export function Artifacts({ runId, path, onPath }: Props) {
  const t = useT();
  const root = useQuery(artifactsQuery(runId, ""));
  const parent = path === undefined ? "" : (foldersTo(path).at(-1) ?? "");
  const beside = useQuery({ ...artifactsQuery(runId, parent), enabled: path !== undefined });
  const file = beside.data?.find((one) => one.path === path);
  return (
    <Loaded query={root}>
      {(files) =>
        files.length === 0 ? (
          <div className="card">
            <Empty icon={Package} title={t("ml.artifacts.none")}>
              {t("ml.artifacts.noneBody")}
              <Begin>{`import mlflow\nmlflow.log_artifact("report.html")\nmlflow.log_figure(figure, "figures/roc.png")`}</Begin>
            </Empty>
          </div>
        ) : (
          <div className="grid items-start gap-4 lg:grid-cols-[minmax(14rem,20rem)_1fr]">
            <nav aria-label={t("ml.artifacts")} className="card max-h-[75dvh] overflow-auto py-2">
              <Level runId={runId} files={files} depth={0} path={path} onPath={onPath} />
            </nav>
            <section className="card min-w-0">
              {path === undefined ? (
                <Empty icon={FileText} title={t("ml.artifacts.choose")} />
              ) : beside.isError ? (
                <div className="p-4">
                  <MlFault error={beside.error} />
                </div>
              ) : !beside.data ? (
                <Loading />
              ) : !file || file.is_dir ? (
                <Empty icon={FileText} title={t(file ? "ml.artifacts.choose" : "ml.artifacts.gone")} />
              ) : (
                <Shown key={file.path} runId={runId} file={file} />
              )}
            </section>
          </div>
        )
      }
    </Loaded>
  );
}

interface LevelProps extends Props {
  files: readonly ArtifactFile[];
  depth: number;
}

function Level({ files, depth, ...props }: LevelProps) {
  return (
    <ul>
      {sortedFiles(files).map((file) => (
        <li key={file.path}>{file.is_dir ? <FolderRow file={file} depth={depth} {...props} /> : <FileRow file={file} depth={depth} {...props} />}</li>
      ))}
    </ul>
  );
}

const rowClass = "flex w-full cursor-pointer items-center gap-2 py-1 pr-3 text-left hover:bg-sunken focus-visible:-outline-offset-2 pointer-coarse:py-2.5";
const indent = (depth: number) => ({ paddingLeft: `${0.75 + depth * 1}rem` });

function FolderRow({ file, depth, ...props }: Props & { file: ArtifactFile; depth: number }) {
  const [isOpen, setOpen] = useState(props.path?.startsWith(`${file.path}/`) ?? false);
  const query = useQuery({ ...artifactsQuery(props.runId, file.path), enabled: isOpen });
  const Icon = isOpen ? FolderOpen : Folder;
  return (
    <>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} className={rowClass} style={indent(depth)}>
        <ChevronRight aria-hidden className={cx("size-3.5 shrink-0 text-muted transition-transform motion-reduce:transition-none", isOpen && "rotate-90")} />
        <Icon aria-hidden className="size-4 shrink-0 text-muted" />
        <span className="truncate">{nameOf(file.path)}</span>
      </button>
      {isOpen && (query.data ? <Level files={query.data} depth={depth + 1} {...props} /> : query.isError ? <MlFault error={query.error} className="m-2" /> : <Loading rows={2} />)}
    </>
  );
}

const ICONS = { image: FileImage, table: Table2, json: FileText, html: FileText, text: FileText, none: File } as const;

function FileRow({ file, depth, path, onPath }: Props & { file: ArtifactFile; depth: number }) {
  const format = useFormat();
  const Icon = ICONS[previewOf(file.path, file.file_size)];
  const isShown = file.path === path;
  return (
    <button type="button" aria-current={isShown || undefined} onClick={() => onPath(file.path)} className={cx(rowClass, isShown && "bg-accent-soft text-accent")} style={indent(depth + 1)}>
      <Icon aria-hidden className="size-4 shrink-0 text-muted" />
      <span className="min-w-0 flex-1 truncate">{nameOf(file.path)}</span>
      <span className="shrink-0 text-xs text-muted tabular-nums">{format.bytes(file.file_size ?? 0)}</span>
    </button>
  );
}

function Shown({ runId, file }: { runId: string; file: ArtifactFile }) {
  const t = useT();
  const format = useFormat();
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
        <h2 className="min-w-0">
          <span className="block truncate font-semibold">{nameOf(file.path)}</span>
          <span className="block truncate font-mono text-xs text-muted">
            {file.path} · {format.bytes(file.file_size ?? 0)}
          </span>
        </h2>
        <a href={artifactHref(runId, file.path)} download className={buttonClass("secondary", true)}>
          <Download aria-hidden className="size-4" />
          {t("ml.download")}
        </a>
      </div>
      <Preview runId={runId} path={file.path} size={file.file_size} />
    </>
  );
}
