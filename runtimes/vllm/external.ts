// A server that somebody else runs. It may be restarted with other weights at any time, so it is checked
// before and after each piece.
import type { Pace } from "../api-labeler/pace.ts";
import type { LocalModel, WorkContext } from "../types.ts";
import { Endpoint } from "./endpoint.ts";
import { Http } from "./http.ts";
import type { Servers, Use } from "./servers.ts";
import type { ExternalSettings } from "./settings.ts";

export class ExternalServer implements Servers {
  private readonly http: Http;
  private readonly endpoint: Endpoint;

  constructor({ address, model, key, timeoutMs }: ExternalSettings, pace: Pace) {
    this.http = new Http(address.replace(/\/+$/, ""), key);
    this.endpoint = new Endpoint({ http: this.http, model, pace, timeoutMs });
  }

  async use<T>(_model: LocalModel, _context: WorkContext, work: Use<T>): Promise<T> {
    return work({ endpoint: this.endpoint, check: async (canary) => canary(), checkAfter: true });
  }

  async close(): Promise<void> {
    this.http.close();
  }
}
