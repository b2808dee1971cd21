import { memoryBackend } from "../../store/backends/memory.ts";
import { labelsContract } from "./labels-contract.ts";
import { maintenanceContract } from "./maintenance-contract.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async () => memoryBackend());
maintenanceContract("memory", async () => memoryBackend());
labelsContract("memory", async () => memoryBackend());
