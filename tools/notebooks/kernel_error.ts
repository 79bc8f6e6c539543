/** A kernel did not do what a kernel does: it died, did not start, or gave no answer in time. */
export class KernelError extends Error {}
