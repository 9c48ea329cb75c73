import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { Button, Disclosure as AriaDisclosure, DisclosurePanel } from "react-aria-components";

/** A line that unfolds. What is folded is not built: lists of hundreds stay light. */
export function Disclosure({ head, isOpen, children }: { head: ReactNode; isOpen?: boolean; children: () => ReactNode }) {
  return (
    <AriaDisclosure defaultExpanded={isOpen} className="group">
      {({ isExpanded }) => (
        <>
          <Button
            slot="trigger"
            className="flex w-full cursor-pointer items-start gap-2 px-4 py-2 text-left hover:bg-sunken focus-visible:-outline-offset-2 pointer-coarse:py-3"
          >
            <ChevronRight aria-hidden className="mt-0.5 size-4 shrink-0 text-muted transition-transform group-data-expanded:rotate-90 motion-reduce:transition-none" />
            <span className="min-w-0 flex-1">{head}</span>
          </Button>
          <DisclosurePanel>{isExpanded && <div className="px-4 pt-1 pb-4">{children()}</div>}</DisclosurePanel>
        </>
      )}
    </AriaDisclosure>
  );
}
