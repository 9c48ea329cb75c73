import { X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button, IconButton } from "./button";
import { cx } from "./class-names";
import { Notice } from "./notice";

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  wide?: boolean;
  alert?: boolean;
  children: ReactNode;
}

export function Dialog({ title, isOpen, onClose, wide, alert, children }: DialogProps) {
  const t = useT();
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={!alert}
      className="fixed inset-0 z-50 flex items-end justify-center overscroll-contain bg-black/45 sm:items-center sm:p-6"
    >
      <Modal
        className={cx(
          "appear max-h-[92dvh] w-full overflow-auto overscroll-contain rounded-t-card border border-line bg-raised shadow-float sm:rounded-card",
          wide ? "sm:max-w-3xl" : "sm:max-w-md",
        )}
      >
        <AriaDialog role={alert ? "alertdialog" : "dialog"} className="p-5 outline-none">
          <div className="mb-4 flex items-start justify-between gap-4">
            <Heading slot="title" className="text-lg font-semibold">
              {title}
            </Heading>
            <IconButton icon={X} label={t("close")} onPress={onClose} className="-mt-1 -mr-1" />
          </div>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmProps {
  title: string;
  body: ReactNode;
  action: string;
  isOpen: boolean;
  onClose: () => void;
  /** Rejections are shown in the dialog, which then stays. */
  onConfirm: () => Promise<unknown>;
}

export function Confirm({ title, body, action, isOpen, onClose, onConfirm }: ConfirmProps) {
  const t = useT();
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const close = () => {
    setFailure(null);
    onClose();
  };
  const confirm = async () => {
    setPending(true);
    setFailure(null);
    try {
      await onConfirm();
      close();
    } catch (error) {
      setFailure(error);
    } finally {
      setPending(false);
    }
  };
  return (
    <Dialog title={title} isOpen={isOpen} onClose={close} alert>
      <div className="text-muted">{body}</div>
      {failure !== null && <Notice problem={toProblem(failure)} className="mt-4" />}
      <div className="mt-6 flex justify-end gap-2">
        <Button onPress={close}>{t("cancel")}</Button>
        <Button variant="danger" isPending={pending} onPress={confirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
