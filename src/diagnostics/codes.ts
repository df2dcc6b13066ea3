/**
 * Every code a diagnostic may carry, with the sentence that explains it. Codes are stable: scripts match on them.
 * The part before the slash names the area; keep each area's codes together and alphabetical.
 */
export const codes = {
  'cache/committed': 'The cache is part of a repository, whose author could have put any result into it.',
  'cache/corrupt': 'A stored result was damaged; it is thrown away and made again.',
  'cache/evicted': 'The cache had grown beyond `cache.size`; what was used longest ago was removed.',
  'cache/lost': 'A stored result is no longer there although it was a moment ago; build again.',
  'cache/remote-credentials': 'The remote cache wants credentials, or does not accept those of the environment.',
  'cache/remote-down': 'The remote cache does not answer, or not as one; the build goes on without it.',
  'cache/remote-object': 'A file of the remote cache is not what its name says; it is refused, and made here instead.',
  'cache/remote-record': 'A record of the remote cache is damaged or that of another result; it is refused.',
  'cache/remote-write': 'The remote cache does not take results; the build goes on, and reads from it.',
  'cache/read': 'A file of the cache cannot be read.',
  'cache/write': 'The cache folder cannot be written.',
  'internal/bug': 'finn itself is wrong; please report it with the bundle of the failed step.',
  'plan/ambiguous': 'Two steps that apply make the same artifact.',
  'plan/cycle': 'Steps need each other in a circle.',
  'plan/key': 'A family has no member of the key that a step needs.',
  'plan/no-maker': 'No step that applies makes an artifact that is needed.',
  'plan/step': 'There is no such step, or it does not apply here.',
  'tool/missing': 'A tool that the build needs is not installed, or not where finn looks for it.',
  'tool/version': 'A tool does not say its version, or is older than finn can use.',

  'board/unknown': 'There is no board of that name, and no board file at that path.',
  'board/wrong': 'A board file contradicts itself, or its pins file lacks a port.',

  'build/malformed': 'A build.json cannot be read, or is of another format.',

  'cli/file': 'A file that the command line names is not there, cannot be read or written, or is there already.',
  'cli/usage': 'The command line asks for something that finn does not have.',

  'config/extends-cycle': 'A recipe extends itself, directly or through its parents.',
  'config/missing-key': 'A key that is required is not there.',
  'config/syntax': 'The file is not YAML, or has the same key twice.',
  'config/too-complex': 'The file unfolds, through aliases, to more than any recipe needs.',
  'config/unknown-key': 'A key that finn does not know.',
  'config/unreadable': 'A file is not there or cannot be read.',
  'config/wrong-type': 'A value is of another type than its key takes: text for a number, a list for a map.',
  'config/wrong-value': 'A value is not one of those that its key takes.',

  'recipe/clock': 'The clock that a target asks for cannot be made on its board.',
  'recipe/conflict': 'Keys stand together that exclude each other, or one stands without the key that it needs.',
  'recipe/duplicate-build': 'Two builds have the same name.',
  'recipe/expect': 'An expectation that can never hold, or that nothing in the recipe can measure.',
  'recipe/file-missing': 'A file that the recipe names is not there.',
  'recipe/model-source':
    'A model has none or several of `file`, `url` and `run`, or keys that belong to another of them.',
  'recipe/no-builds': 'The recipe declares no builds.',
  'recipe/no-bitstream': 'A build asks for a bitstream on a board for which finn can make none.',
  'recipe/number': 'A number cannot be read, or is not in the range that its key takes.',
  'recipe/outside': 'A recipe names a file outside of its project.',
  'recipe/unknown-name': 'A build names a network, a target or a folding that nothing declares.',

  'layer/attribute': 'An attribute of a hardware layer has a value that is not legal.',
  'layer/folding': 'A parallelism does not divide the number that it must divide.',
  'layer/input': 'A hardware layer is given an input whose type or shape it cannot take.',

  'mvau/datatype': 'A type of a matrix layer does not hold the values that can occur.',
  'mvau/folding': 'pe or simd of a matrix layer does not divide its outputs or inputs.',
  'mvau/inputs': 'A matrix product has inputs that no circuit can be built for.',
  'mvau/thresholds': 'Thresholds of a matrix layer are not constant, not sorted, or not of its shape.',

  'npy/malformed': 'A .npy file is broken, or holds a kind of array that finn does not read.',

  'onnx/annotation': 'A quantization_annotation names no datatype, or values do not fit the one it names.',
  'onnx/attribute': 'An attribute of a node is missing, has the wrong type, or a value that is not legal.',
  'onnx/cycle': 'Nodes of the network read one another in a circle.',
  'onnx/duplicate-name': 'Two inputs, initialisers or nodes make a value of the same name.',
  'onnx/dynamic-shape': 'A dimension of a network input, or a shape that the network computes, is not a fixed number.',
  'onnx/external-data': 'The file that holds a tensor is missing, too short, or outside the folder of the model.',
  'onnx/input': 'An operator has too few or too many inputs, or one that must be constant is not.',
  'onnx/malformed': 'The file is not an ONNX model: truncated, or not a protobuf, or without a graph.',
  'onnx/missing-value': 'A node or an output reads a value that nothing makes.',
  'onnx/opset': 'The model does not say which version of the ONNX operators it uses, or one that finn does not read.',
  'onnx/shape': 'The shapes of the inputs of an operator do not fit together, or not its attributes.',
  'onnx/tensor-data': 'An initialiser holds more or fewer bytes than its shape and type ask for.',
  'onnx/too-large': 'A tensor would have more elements than finn is willing to handle.',
  'onnx/unknown-operator': 'The network uses an operator that finn does not know.',
  'onnx/unsupported': 'The network uses a part of ONNX that finn does not read, such as strings or sparse tensors.',
  'tool/failed': 'A tool ended with an error.',
  'tool/time-limit':
    'A call of a tool took longer than the limit that the recipe or finn.config.yaml sets for its step.',
  'tool/log': 'A line of a tool’s log that the tool itself calls an error or a warning.',
  'tool/log-size': 'A tool wrote more on stdout and stderr than any log has that is read.',
  'tool/output': 'A tool ended well but did not leave behind a file that it was asked for.',
  'tool/output-size': 'A tool left a file behind that is larger than finn can hold.',
  'tool/start': 'A tool could not be started: there are too many processes or open files, or too little memory.',
  'tool/slurm-cancelled': 'Someone else than finn cancelled a Slurm job.',
  'tool/slurm-forsaken': 'Slurm jobs of an earlier build that nobody waits for any more.',
  'tool/slurm-lost': 'The Slurm job of a call was lost again and again: its nodes failed, or others were preferred.',
  'tool/slurm-memory': 'A Slurm job needed more memory than it had.',
  'tool/slurm-refused': 'Slurm does not take a job.',
  'tool/slurm-status': 'A Slurm job ended but left no exit status where finn looks for it.',
  'tool/slurm-time': 'A Slurm job took longer than its time limit.',
  'tool/slurm-version': 'A tool has another version on a node of the cluster than where finn runs.',

  'bitfile/timing': 'The placed and routed design is slower than its clock.',

  'exec/input': 'A tensor that is given to a model does not fit its input.',

  'driver/unsupported': 'The Python driver cannot do a part of the network that stays on the host.',

  'expect/missed': 'A build misses a gate that its recipe sets.',

  'fold/deadlock': 'The FIFO depths that were given let layers wait for one another for ever.',
  'fold/demand':
    'A layer was given attributes that the layer behind it, which reads its elements in an order of its own, contradicts.',
  'fold/does-not-divide': 'A parallelism factor does not divide the extent that it splits.',
  'fold/does-not-fit': 'No folding, or not the chosen one, fits the resources of the board.',
  'fold/file': 'A FINN folding file cannot be read, or does not have the form that FINN writes.',
  'fold/no-such-attribute': 'A layer has no attribute of that name that a recipe may set.',
  'fold/no-such-choice': 'An attribute of a layer takes one of a few words, and this is none of them.',
  'fold/merged-layer':
    'A FINN folding file names a layer of a kind that finn builds as a part of another, or not at all.',
  'fold/no-such-layer': 'The folding names a layer that the network does not have.',
  'fold/not-played': 'A frame takes too long for its FIFO depths to be found by playing the schedules.',

  'lock/drift': 'A tool has another version than the lock says.',
  'lock/malformed': 'finn.lock cannot be read.',
  'lock/missing': '--locked was given, but there is no finn.lock.',

  'lower/left-over': 'A node of the integer network is no hardware operator.',
  'simulate/pace': 'The circuit keeps another pace than the schedules of its layers say.',
  'lower/layout': 'An operation cannot be brought into the order of streams.',

  'model/archive': 'An archive cannot be read: cut off, damaged, encrypted, or it unpacks to more than it says.',
  'model/fetch': 'A model cannot be fetched.',
  'model/hash': 'A model is not the one that the recipe or the lock pins.',
  'model/member': 'An archive does not have the file that the recipe names.',

  'plugin/changed': 'A plug-in changed while a step ran; what the step made is not kept.',
  'plugin/export': 'The file of a plug-in does not export what a plug-in is made of.',
  'plugin/load': 'The file of a plug-in is not there, or cannot be compiled.',
  'plugin/name': 'A plug-in calls something by a name that something else has, or that cannot be a name.',
  'plugin/pass': 'A pass of a plug-in leaves an illegal graph, or changes what the network computes.',
  'plugin/step': 'A step of a plug-in does not make what it says.',
  'plugin/threw': 'The code of a plug-in threw something that is no FinnError.',

  'streamline/leftover': 'A node that only the host can compute stands between hardware layers.',
  'streamline/unsupported': 'A part of the network cannot be brought to integers.',

  'trust/plugin': 'finn.config.yaml names a plug-in, and nobody has said that it may run.',
  'trust/run': 'A recipe wants to run a program, and nobody has said that it may.',

  'verify/accuracy': 'The accuracy is lower than the network’s own, or than the recipe asks for.',
  'verify/beats': 'A circuit gives more or fewer beats than are due, or none any more.',
  'verify/mismatch': 'A stage of the compilation computes something else than the network.',
  'verify/near-tie': 'An integer differs where the network itself is within rounding error of a step.',
  'verify/stream': 'A circuit breaks the rules of AXI-Stream.',
  'verify/vectors': 'The vectors for verification do not fit the network.',

  'uart/baud': 'The clock of the accelerator cannot be divided to the baud rate of the UART shell.',
  'uart/streams': 'The UART shell takes an accelerator with one input and one output of whole bytes.',
} as const satisfies Record<string, string>;

export type Code = keyof typeof codes;
