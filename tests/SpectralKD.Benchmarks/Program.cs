// Benchmarks with their baselines in the same run:
//
//   OMP_NUM_THREADS=1 dotnet run -c Release --project tests/SpectralKD.Benchmarks -- [analysis] [alignment] [training] [teacher-cache] [images] [precision] [--option value]…
//
// Without a name all run but images and precision, which want photos: SPECTRALKD_PHOTOS names their folder. Options and defaults: --threads 1, --rounds 9, --model deit_tiny_patch16_224, --images 16, --batch 8.
// OMP_NUM_THREADS holds for the training's own thread too, which --threads does not reach.
using SpectralKD;
using SpectralKD.Benchmarks;
using TorchSharp;

try
{
    var arguments = BenchmarkArguments.Parse(args);
    LibTorch.EnsureLoaded();
    torch.set_num_threads(arguments.Threads);
    Console.WriteLine($"torch threads {torch.get_num_threads()}, processors {Environment.ProcessorCount}, load {MachineLoad.Now()}, {arguments.Rounds} rounds");
    foreach (var name in arguments.Names)
    {
        Console.WriteLine();
        BenchmarkArguments.Known[name](arguments);
    }

    Console.WriteLine($"{Environment.NewLine}load at the end {MachineLoad.Now()}");
    return 0;
}
catch (SpectralKDException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
