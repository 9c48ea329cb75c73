import { Upload } from "lucide-react";
import { useState } from "react";
import { DropZone, FileTrigger, isFileDropItem } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Progress } from "@/ui/progress";
import { toast } from "@/ui/toast";
import { useUploadModel } from "@/features/surveillance/queries";

/** Takes an .onnx file by choice or by drop; the server checks it before it is kept, and says what is wrong with it. */
export function ModelUpload() {
  const t = useT();
  const send = useUploadModel();
  const [share, setShare] = useState(0);
  const [fault, setFault] = useState<string | null>(null);
  const [declaration, setDeclaration] = useState("");
  const take = (file: File | undefined) => {
    if (!file) return;
    send.reset();
    if (!file.name.toLowerCase().endsWith(".onnx")) {
      setFault(t("models.notOnnx", { name: file.name }));
      return;
    }
    setFault(null);
    setShare(0);
    send.mutate(
      { file, name: file.name.replace(/\.onnx$/i, ""), declaration, onProgress: setShare },
      { onSuccess: () => toast(t("models.uploaded", { name: file.name })) },
    );
  };
  return (
    <div className="space-y-3">
      <DropZone
        aria-label={t("models.drop")}
        getDropOperation={() => "copy"}
        onDrop={async (event) => {
          const item = event.items.find(isFileDropItem);
          take(await item?.getFile());
        }}
        className="flex flex-col items-center gap-3 rounded-card border border-dashed border-line-strong px-6 py-7 text-center data-drop-target:border-accent data-drop-target:bg-accent-soft"
      >
        <p className="text-muted">{t("models.drop")}</p>
        <FileTrigger acceptedFileTypes={[".onnx"]} onSelect={(files) => take(files?.[0])}>
          <Button icon={Upload} variant="primary" isDisabled={send.isPending}>
            {t("models.choose")}
          </Button>
        </FileTrigger>
      </DropZone>
      <details className="text-sm">
        <summary className="cursor-pointer text-muted hover:text-ink">{t("models.declare")}</summary>
        <TextField className="mt-2" label={t("models.declaration")} hint={t("models.declarationHint")} multiline mono value={declaration} onChange={setDeclaration} />
      </details>
      {send.isPending && (
        <div className="space-y-1.5">
          <Progress value={share < 1 ? share * 100 : undefined} label={t("models.uploading")} />
          <p role="status" className="text-sm text-muted">
            {share < 1 ? t("models.uploading") : t("models.checking")}
          </p>
        </div>
      )}
      {fault && <Notice tone="bad">{fault}</Notice>}
      {send.isError && <Notice problem={toProblem(send.error)} />}
    </div>
  );
}
