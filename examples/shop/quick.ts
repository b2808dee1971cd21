// The demo in about a minute: less SFT, fewer labels, two iterations.
import { shopCampaign } from "./campaign.ts";

export default shopCampaign({ seed: 1, quick: true });
