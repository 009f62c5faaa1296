// Benchmarks, each with its baseline in the same run:
//
//   OMP_NUM_THREADS=1 dotnet run -c Release --project tests/SpectralKD.Benchmarks -- [NAME]… [--option value]…
//
// Names: forward, analysis, alignment, step, training, teacher-cache, images, contest (beside a busy process), process, and precision (figures in bfloat16 against float32); without one all but
// precision run. Options and defaults: --threads 1, --rounds 5, --batch 8,32,
// --images 32, --model (each benchmark's own), --device cpu, --photos DIR (pictures made for the run), --peer PYTHON (does the same work in that Python's
// PyTorch), --command PATH (the spectralkd command whose processes are measured), --json FILE. OMP_NUM_THREADS holds for the training's own thread too, which
// --threads does not reach. The name check, with --golden DIR, checks a device against the golden vectors and the CPU instead (tests/gpu).
using SpectralKD;
using SpectralKD.Benchmarks;
using TorchSharp;

if (args is [ContestBenchmark.Busy])
{
    return ContestBenchmark.Spin();
}

try
{
    LibTorch.EnsureLoaded();
    var arguments = BenchmarkArguments.Parse(args);
    torch.set_num_threads(arguments.Threads);
    if (arguments.Names.Contains(DeviceCheck.Name))
    {
        return DeviceCheck.Run(arguments) ? 0 : 1;
    }

    arguments = arguments with { FoundPeer = Peer.Find(arguments) };
    Console.WriteLine($"torch threads {torch.get_num_threads()}, processors {Environment.ProcessorCount}, load {MachineLoad.Now()}, {arguments.Rounds} rounds"
        + (arguments.FoundPeer is { } peer ? $", beside {peer.Name}" : ""));
    var tables = new List<Table>();
    foreach (var table in arguments.Names.SelectMany(name => BenchmarkArguments.Known[name](arguments)))
    {
        table.Print();
        tables.Add(table);
        if (arguments.Json is { } json)
        {
            JsonReport.Write(json, arguments, tables); // after each: a run that is cut off keeps what it has
        }
    }

    Console.WriteLine($"{Environment.NewLine}load at the end {MachineLoad.Now()}");
    return 0;
}
catch (SpectralKDException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
