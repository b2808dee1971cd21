// The shop with a reward model between the people and the policy, trained once and never again: the plain
// loop of the paper (arXiv 2405.07863) at a size at which the policy finds what its reward model gets wrong.
// README.md beside this file says what to look at.
import { defineCampaign } from "ratchet-rlhf";
import { shopCampaign } from "../shop/campaign.ts";

const { labels: _none, ...shop } = shopCampaign({ seed: 1, quick: false });

export default defineCampaign({
  ...shop,
  name: "overoptimize",
});
