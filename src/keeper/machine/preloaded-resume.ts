/** A resume that started before its page requested it. The page's own call gets its outcome. */
import type { ResumeReport, ResumeRequest } from '../../protocol/stored.ts';

export class PreloadedResume {
  readonly report: Promise<ResumeReport>;
  /** Never rejects. */
  readonly settled: Promise<void>;
  readonly #request: ResumeRequest;

  constructor(request: ResumeRequest, report: Promise<ResumeReport>) {
    this.#request = request;
    this.report = report;
    this.settled = report.then(
      () => {},
      () => {},
    );
  }

  get id(): string {
    return this.#request.id;
  }

  isFor({ id, runtime, takeOver = false }: ResumeRequest): boolean {
    return !takeOver && id === this.#request.id && runtime.id === this.#request.runtime.id;
  }
}
