// The demo in about a minute: less SFT, two iterations, one baseline.
import { shopCampaign } from "./campaign.ts";

export default shopCampaign({ seed: 1, quick: true });
