// Latency of intvit beside ONNX Runtime's on the same machine at the same time: rounds alternate between the two, since
// shared machines drift, and the ratio of each round's medians is what counts.
//
//   npm install onnxruntime-node        (anywhere; name that folder in ORT_DIR)
//   ORT_DIR=folder node bench/peers/against_onnxruntime.mjs MODEL.onnx MODEL.bin [threads=1] [rounds=7] [isa]
//
// MODEL.onnx takes one float input [1, 3, H, W]; int8_vit_onnx.py makes such models. Minima are printed beside medians:
// on a busy machine they are what to compare. VITBENCH names the vitbench binary (default build/release/bin/vitbench),
// RUNS is the number of runs a round (default 30).
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.env.ORT_DIR ?? process.cwd(), 'x.js'));
const ort = require('onnxruntime-node');
const [onnx, model, threads = '1', rounds = '7', isa] = process.argv.slice(2);
if (!model) {
  console.error('usage: node against_onnxruntime.mjs MODEL.onnx MODEL.bin [threads] [rounds] [isa]');
  process.exit(2);
}
const vitbench = process.env.VITBENCH ?? 'build/release/bin/vitbench';
const runs = Number(process.env.RUNS ?? 30);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

const session = await ort.InferenceSession.create(onnx, {
  graphOptimizationLevel: 'all', intraOpNumThreads: Number(threads), interOpNumThreads: 1, logSeverityLevel: 3 });
const shape = session.inputMetadata[0].shape.map(Number);
const pixels = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * 7919) % 1000) / 250 - 2);
const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', pixels, shape) };

async function timeOrt() {
  const times = [];
  for (let i = 0; i < runs + 3; i++) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    if (i >= 3) times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return { min_ms: Math.min(...times), median_ms: median(times) };
}

function timeIntvit() {
  const options = [model, '--threads', threads, '--runs', String(runs), '--json', ...(isa ? ['--isa', isa] : [])];
  const [row] = JSON.parse(execFileSync(vitbench, options, { encoding: 'utf8' }));
  return row;
}

const rows = [];
for (let round = 0; round < Number(rounds); round++) {
  const theirs = await timeOrt();
  const ours = timeIntvit();
  rows.push({ theirs, ours, ratio: ours.median_ms / theirs.median_ms });
}
const middle = (value) => median(rows.map(value));
const least = (value) => Math.min(...rows.map(value));
console.log(JSON.stringify({
  onnx: path.basename(onnx), model: path.basename(model), threads: Number(threads), isa: rows[0].ours.isa,
  rounds: rows.length, ort_ms: middle((r) => r.theirs.median_ms), intvit_ms: middle((r) => r.ours.median_ms),
  time_ratio: middle((r) => r.ratio), ort_min_ms: least((r) => r.theirs.min_ms),
  intvit_min_ms: least((r) => r.ours.min_ms) }));
