import { memoryBackend } from "../../store/backends/memory.ts";
import { careContract } from "./care-contract.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async () => memoryBackend());
careContract("memory", async () => memoryBackend());
