// An agent on the Vercel AI SDK: `client.mjs INSTRUMENTATION ENDPOINT CONVERSATION`.
//
// Holds the conversation with the model that it names and sends the SDK's own
// telemetry of it to ENDPOINT over OTLP/HTTP.

import { readFileSync } from "node:fs";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

const [, , , endpoint, path] = process.argv;
const talk = JSON.parse(readFileSync(path, "utf8"));
const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` });
const tracers = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
tracers.register();

const model = createOpenAICompatible({
  name: "local", baseURL: talk.base_url, apiKey: talk.api_key, includeUsage: true,
})(talk.model);
const tools = {};
for (const { function: { name, description, parameters } } of talk.tools) {
  tools[name] = tool({
    description, inputSchema: jsonSchema(parameters), execute: async () => talk.result,
  });
}
const [{ content: system }, ...messages] = talk.messages;
const settings = {
  model, system, messages, tools, maxOutputTokens: 1024, maxRetries: 0,
  stopWhen: stepCountIs(2), experimental_telemetry: { isEnabled: true },
};
await generateText(settings);
const { textStream } = streamText({ ...settings, toolChoice: "none", stopWhen: stepCountIs(1) });
for await (const _ of textStream);
await tracers.shutdown();
