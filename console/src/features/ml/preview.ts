export type PreviewKind = "image" | "table" | "json" | "html" | "text" | "none";

const IMAGES = /\.(png|jpe?g|gif|webp|avif|bmp|svg)$/i;
const TABLES = /\.(csv|tsv)$/i;
const HTML = /\.html?$/i;
const JSONS = /\.(json|geojson|ipynb)$/i;
const TEXTS = /\.(txt|md|log|ya?ml|toml|ini|cfg|conf|py|r|sh|sql|js|ts|css|xml|jsonl|ndjson|rst|tex|lock|dockerfile|gitignore|env|properties)$/i;
const TEXT_NAMES = /(^|\/)(MLmodel|Dockerfile|Makefile|README|LICENSE|requirements)$/;

/** More is not shown: that is what downloads are for. */
export const TEXT_BYTES = 512 * 1024;
export const TABLE_BYTES = 4 * 1024 * 1024;
export const IMAGE_BYTES = 50 * 1024 * 1024;
/** Pages hold the library that draws them: plotly's alone is 5 MB. */
const HTML_BYTES = 50 * 1024 * 1024;

/** How a file is shown, by its name and size. What `mlflow.log_table` writes is told from other JSON by its content. */
export function previewOf(path: string, size: number | undefined): PreviewKind {
  if (IMAGES.test(path)) return (size ?? 0) <= IMAGE_BYTES ? "image" : "none";
  if (TABLES.test(path)) return "table";
  if (HTML.test(path)) return (size ?? 0) <= HTML_BYTES ? "html" : "text";
  if (JSONS.test(path)) return "json";
  if (TEXTS.test(path) || TEXT_NAMES.test(path)) return "text";
  return "none";
}

export interface Table {
  columns: string[];
  rows: string[][];
}

const cell = (value: unknown) => (typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value));

/** `{"columns": [...], "data": [[...]]}`, as `mlflow.log_table` writes it; null of other JSON. */
export function tableOfJson(value: unknown): Table | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { columns, data } = value as { columns?: unknown; data?: unknown };
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return null;
  return { columns: columns.map(cell), rows: data.map((row: unknown[]) => row.map(cell)) };
}

/** RFC 4180: quotes, doubled quotes, line ends within quotes. The first line names the columns. A last line that was cut off is left out. */
export function tableOfText(text: string, separator: string, isCut = false): Table {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (isQuoted) {
      if (letter !== '"') field += letter;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (letter === '"' && field === "") isQuoted = true;
    else if (letter === separator) {
      row.push(field);
      field = "";
    } else if (letter === "\n") {
      rows.push([...row, field.replace(/\r$/, "")]);
      row = [];
      field = "";
    } else field += letter;
  }
  if (!isCut && (field !== "" || row.length > 0)) rows.push([...row, field]);
  const [columns = [], ...rest] = rows;
  return { columns, rows: rest };
}

/** A folder's files, folders first, by name with numbers as numbers. */
export function sortedFiles<F extends { path: string; is_dir: boolean }>(files: readonly F[]): F[] {
  return [...files].sort((a, b) => Number(b.is_dir) - Number(a.is_dir) || a.path.localeCompare(b.path, undefined, { numeric: true }));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folders on the way to a path: `a/b/c.txt` lies in `a` and `a/b`. */
export function foldersTo(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}

/** So much of a page tells where it loads from: that stands in its head. */
export const HEAD_BYTES = 256 * 1024;

/** The servers that a page would load scripts, styles and pictures from. */
export function hostsOf(html: string): string[] {
  const tags = html.replace(/(<script\b[^>]*>)[\s\S]*?(<\/script\s*>|$)/gi, "$1").matchAll(/<(?:script|link|img|iframe)\b[^>]*?\s(?:src|href)\s*=\s*["']?(?:https?:)?\/\/([\w.-]+)/gi);
  return [...new Set([...tags].map(([, host]) => host!.toLowerCase()))];
}

/**
 * HTML without what the page's policy would refuse to run: scripts, styles and what they load. What is left is text, headings, tables,
 * lists and pictures that lie within.
 */
export function plainHtml(html: string): string {
  // Taken out of the text already: the policy tells of each style and handler that a parser meets, though the document is never shown.
  const unstyled = html.replace(/<style\b[\s\S]*?<\/style\s*>/gi, "").replace(/\s(style|on[a-z]+)\s*=/gi, " data-dropped=");
  const parsed = new DOMParser().parseFromString(unstyled, "text/html");
  for (const element of parsed.querySelectorAll("script, style, link, meta, base, iframe, object, embed, form")) element.remove();
  for (const element of parsed.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      const loads = (name === "src" || name === "srcset" || name === "href" || name === "xlink:href" || name === "poster" || name === "background") && !/^(data:image\/|#)/i.test(value);
      if (name === "style" || name === "data-dropped" || name.startsWith("on") || loads) element.removeAttribute(name);
    }
  }
  return `<!doctype html>${parsed.documentElement.outerHTML}`;
}
