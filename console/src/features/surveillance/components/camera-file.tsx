import { Download, Upload } from "lucide-react";
import { useState } from "react";
import { FileTrigger } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button, buttonClass } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { useImportCameras } from "@/features/surveillance/queries";

/** cameras.yaml: take all cameras out as a file, or bring them in from one. */
export function CameraFile({ isOpen, onClose, editable }: { isOpen: boolean; onClose: () => void; editable: boolean }) {
  const t = useT();
  const bring = useImportCameras();
  const [text, setText] = useState("");
  const close = () => {
    setText("");
    bring.reset();
    onClose();
  };
  return (
    <Dialog title={t("yaml.title")} isOpen={isOpen} onClose={close} wide>
      <div className="space-y-5">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <p className="max-w-md text-muted">{t("yaml.exportBody")}</p>
          <a href="/api/v1/surveillance/cameras.yaml" download="cameras.yaml" className={buttonClass()}>
            <Download aria-hidden className="size-4" />
            {t("yaml.export")}
          </a>
        </div>
        {editable && (
          <form
            className="space-y-3 border-t border-line pt-5"
            onSubmit={(event) => {
              event.preventDefault();
              bring.mutate(text);
            }}
          >
            <p className="text-muted">{t("yaml.importBody")}</p>
            <FileTrigger acceptedFileTypes={[".yaml", ".yml"]} onSelect={async (files) => setText((await files?.[0]?.text()) ?? "")}>
              <Button icon={Upload}>{t("yaml.choose")}</Button>
            </FileTrigger>
            <TextField label={t("yaml.text")} multiline mono value={text} onChange={setText} />
            {bring.isError && <Notice problem={toProblem(bring.error)} />}
            {bring.data && <Notice tone="good">{t("yaml.done", { created: bring.data.created, updated: bring.data.updated, unchanged: bring.data.unchanged })}</Notice>}
            <div className="flex justify-end">
              <Button type="submit" variant="primary" isDisabled={text.trim() === ""} isPending={bring.isPending}>
                {t("yaml.import")}
              </Button>
            </div>
          </form>
        )}
      </div>
    </Dialog>
  );
}
