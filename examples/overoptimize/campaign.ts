// The shop with a reward model between the people and the policy, trained once and never again: the loop of
// the paper (arXiv 2405.07863) at a size at which the policy soon finds what its reward model gets wrong.
// README.md beside this file says what to look at.
import { defineCampaign } from "ratchet-rlhf";
import { shopCampaign } from "../shop/campaign.ts";

const { labels: _people, ...shop } = shopCampaign({ seed: 1, quick: false });

/** The shop's modules and tokenizer, seen from this folder. */
const fromShop = <T>(section: T): T =>
  JSON.parse(JSON.stringify(section).replaceAll('"./', '"../shop/')) as T;

export default defineCampaign(
  fromShop({
    ...shop,
    name: "overoptimize",
    prompts: { ...shop.prompts, perIteration: 256 },
    generate: { ...shop.generate, samples: [{ temperature: 1, count: 8 }] },
    pair: { ...shop.pair, limit: 240 },
    // Scores are not noisy as labels are: plain DPO, as in the paper.
    train: { ...shop.train, loss: "sigmoid", learningRate: 1e-4 },
    baselines: [
      { name: "offline", pairs: "labels", learningRate: 2e-4 },
      { name: "offline-matched", pairs: "initial-policy", learningRate: 1e-4 },
    ],
  }),
);
