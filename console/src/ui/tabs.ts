/** The look of a row of links between views of one page. The current one carries `aria-current` from the router. */
export const tabsClass = "mb-5 flex gap-1 overflow-x-auto border-b border-line";
export const tabClass =
  "-mb-px border-b-2 border-transparent px-3 py-2 font-medium whitespace-nowrap text-muted hover:text-ink focus-visible:-outline-offset-2 data-[status=active]:border-accent data-[status=active]:text-ink pointer-coarse:py-3";
