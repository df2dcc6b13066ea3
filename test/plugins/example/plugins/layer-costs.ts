import { artifacts, buildStep, type Device, definePlugin, files, layersOf } from 'finn';

/** A table of what each layer costs, for people and for spreadsheets. */
const layerCosts = files('layer-costs', 'What each layer costs of the device: layers.md and layers.csv.');

const costs = buildStep({
  name: 'layer-costs',
  doc: 'Writes a table of the layers with their cycles and their share of the device.',
  needs: { dataflow: artifacts.dataflow },
  makes: { layerCosts },
  // All that `run` sees of recipe and board: what is not here is not in the key either.
  config: ({ build: { target } }) => ({
    family: target.board.family,
    board: target.board.id,
    lut: target.board.resources.lut,
  }),
  async run({ dataflow }, { config, note }) {
    const device: Device = { family: config.family };
    const rows = [...layersOf(dataflow)]
      .filter(([, layer]) => !layer.op.inserted)
      .map(([name, layer]) => {
        const { lut, bram, dsp } = layer.op.resources(layer, device);
        return { name, nodes: layer.origin.join(' '), cycles: layer.op.cycles(layer), lut: Math.ceil(lut), bram, dsp };
      });
    const slowest = Math.max(...rows.map(({ cycles }) => cycles));
    const share = (lut: number): string => `${((100 * lut) / config.lut).toFixed(1)} %`;
    note(`${rows.find(({ cycles }) => cycles === slowest)?.name} is the slowest, with ${slowest} cycles a frame`);
    const markdown = [
      `# Layers on ${config.board}`,
      '',
      '| layer | ONNX nodes | cycles | LUT | of the device | block RAM | DSP |',
      '|---|---|---|---|---|---|---|',
      ...rows.map(
        ({ name, nodes, cycles, lut, bram, dsp }) =>
          `| ${name} | ${nodes} | ${cycles}${cycles === slowest ? ' (slowest)' : ''} | ${lut} | ${share(lut)} | ${bram} | ${dsp} |`,
      ),
    ];
    const csv = [
      'layer,cycles,lut,bram,dsp',
      ...rows.map((row) => [row.name, row.cycles, row.lut, row.bram, row.dsp].join()),
    ];
    const text = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join('\n')}\n`);
    return { layerCosts: { 'layers.md': text(markdown), 'layers.csv': text(csv) } };
  },
});

export const plugin = definePlugin({ name: 'layer-costs', steps: [costs] });
