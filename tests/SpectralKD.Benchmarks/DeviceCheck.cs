using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using SpectralKD.Tests;
using SpectralKD.Tests.Distillation;
using SpectralKD.Tests.Models;
using TorchSharp;

namespace SpectralKD.Benchmarks;

/// <summary>
/// Does a device compute what it should? Golden vectors, the CPU beside it, training in each precision, kill and resume, memory over 500 steps. Made for
/// machines that have a GPU and nothing else of ours (tests/gpu/run.sh); with <c>--device cpu</c> it runs anywhere.
/// </summary>
internal sealed class DeviceCheck(Device device)
{
    public const string Name = "check";
    private static readonly string[] s_fullSize = ["deit_tiny_patch16_224", "cait_xxs24_224", "swin_tiny_patch4_window7_224"];
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };
    private readonly JsonArray _results = [];
    private int _failed;

    private bool IsCpu => device.type == DeviceType.CPU;

    /// <summary>Runs every check and prints a line for each.</summary>
    /// <returns>False where one failed.</returns>
    public static bool Run(BenchmarkArguments arguments)
    {
        SharedData.Root = arguments.Golden;
        var check = new DeviceCheck(arguments.Device);
        Console.WriteLine($"torch {__version__}, device {arguments.Device}");
        check.All();
        if (arguments.Json is { } json)
        {
            File.WriteAllText(json, new JsonObject
            {
                ["torch"] = __version__,
                ["device"] = arguments.Device.ToString(),
                ["failed"] = check._failed,
                ["checks"] = check._results,
            }.ToJsonString(s_indented));
        }

        Console.WriteLine($"{check._results.Count - check._failed} passed, {check._failed} failed");
        return check._failed == 0;
    }

    private void All()
    {
        foreach (var name in SharedData.GoldenCases("small"))
        {
            Check($"forward of golden {name}", IsCpu ? 5e-5 : 5e-4, () => Golden(name));
        }

        foreach (var name in s_fullSize)
        {
            Check($"{name}: logits and maps against the CPU, share of their largest", IsCpu ? 1e-6 : 1e-3, () => AgainstCpu(name));
            Check($"{name}: intensities of an analysis against the CPU, relative", IsCpu ? 1e-6 : 1e-3, () => AnalysisAgainstCpu(name));
        }

        Check("five training steps in float32 against golden: largest difference of a loss", IsCpu ? 1e-4 : 1e-3, () => Steps(TrainingPrecision.Float32));
        Check("ten steps in TF32 against float32: relative difference of a loss", 0.02, () => Curve(TrainingPrecision.Tf32));
        Check("ten steps in bfloat16 against float32: relative difference of a loss", 0.1, () => Curve(TrainingPrecision.Bf16));
        Check("stopped and resumed against unbroken: largest difference of a weight", IsCpu ? 0 : 1e-3, Resume);
        Check("memory after 500 steps over that after 100, MiB", 64, Growth);
    }

    private void Check(string what, double allowed, Func<double> measure)
    {
        var clock = Stopwatch.StartNew();
        var (found, error) = (double.NaN, "");
        try
        {
            found = measure();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            error = e.Message.Split('\n')[0];
        }

        var passed = found <= allowed; // false for NaN
        _failed += passed ? 0 : 1;
        Console.WriteLine(FormattableString.Invariant($"{(passed ? "passed" : "FAILED")}  {what}: {found:g3}, at most {allowed:g3}  ({clock.Elapsed.TotalSeconds:0.0} s)  {error}").TrimEnd());
        _results.Add(new JsonObject
        {
            ["check"] = what,
            ["passed"] = passed,
            ["found"] = double.IsFinite(found) ? found : null,
            ["allowed"] = allowed,
            ["error"] = error,
            ["seconds"] = clock.Elapsed.TotalSeconds,
        });
    }

    private double Golden(string name)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var golden = new GoldenModel(name);
        using var model = golden.Create();
        model.to(device);
        var expected = golden.Expected;
        var output = model.ForwardIntermediates(golden.Input().to(device), null);
        return output.Maps.Select(map => Distance(expected[$"block.{map.Block}"], map.Values)).Append(Distance(expected["logits"], output.Logits)).Max();
    }

    private double AgainstCpu(string name)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var here = ModelLoader.Load(name, new() { Weights = "seeded", Device = CPU });
        using var there = ModelLoader.Load(name, new() { Weights = "seeded", Device = device });
        manual_seed(3);
        var images = randn([2, 3, here.Spec.ImageSize.Height, here.Spec.ImageSize.Height]);
        var (expected, found) = (here.ForwardIntermediates(images, null), there.ForwardIntermediates(images.to(device), null));
        return expected.Maps.Zip(found.Maps, (a, b) => Distance(a.Values, b.Values) / Largest(a.Values))
            .Append(Distance(expected.Logits, found.Logits) / Largest(expected.Logits)).Max();
    }

    private double AnalysisAgainstCpu(string name)
    {
        var spectra = new[] { CPU, device }.Select(where =>
        {
            using var scope = NewDisposeScope();
            using var model = ModelLoader.Load(name, new() { Weights = "seeded", Device = where });
            manual_seed(4);
            var batch = new AnalysisBatch(randn([4, 3, model.Spec.ImageSize.Height, model.Spec.ImageSize.Height]).to(where));
            return SpectralAnalysis.Run(model, [batch], "noise", new SpectralOptions { Domain = SpectralDomain.Both });
        }).ToArray();
        return spectra[0].Blocks.Zip(spectra[1].Blocks, (a, b) => Math.Max(Relative(a.SpatialIntensity!.Value, b.SpatialIntensity!.Value), Relative(a.ChannelIntensity!.Value, b.ChannelIntensity!.Value))).Max();
    }

    private double Steps(TrainingPrecision precision)
    {
        var golden = GoldenJson.Read("training", "steps_vit_from_cait_soft.json").GetProperty("steps");
        return Losses(precision, golden.GetArrayLength()).Select((loss, step) => Math.Max(
            Math.Abs(loss.Labels - golden[step].GetProperty("loss_base").GetDouble()),
            Math.Max(Math.Abs(loss.Alignment!.Value - golden[step].GetProperty("loss_fft").GetDouble()), Math.Abs(loss.Logits!.Value - golden[step].GetProperty("loss_dist").GetDouble())))).Max();
    }

    private double Curve(TrainingPrecision precision)
        => Losses(TrainingPrecision.Float32, 10).Zip(Losses(precision, 10), (exact, low) => Relative(exact.Total, low.Total)).Max();

    /// <summary>The losses of some steps of the golden training; behind its own five batches its first ones follow once more.</summary>
    private List<LossValues> Losses(TrainingPrecision precision, int steps)
    {
        var golden = GoldenJson.Read("training", "steps_vit_from_cait_soft.json");
        var settings = golden.GetProperty("optimizer");
        var (before, cudnn) = (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = precision != TrainingPrecision.Float32;
        try
        {
            using var teacher = new GoldenModel("cait").Create();
            using var student = new GoldenModel("vit").Create();
            foreach (var parameter in teacher.parameters())
            {
                parameter.requires_grad = false;
            }

            teacher.to(device);
            student.train();
            student.to(precision == TrainingPrecision.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32);
            student.to(device);
            using var optimizer = new StudentOptimizer(student, new AdamWSettings { WeightDecay = settings.GetProperty("weight_decay").GetDouble() });
            using var average = new ExponentialMovingAverage(optimizer.Parameters, golden.GetProperty("ema_decay").GetDouble());
            var weights = new LossWeights
            {
                Method = DistillationMethod.Soft,
                Smoothing = 0.1,
                Alpha = Number("alpha"),
                Beta = Number("beta"),
                WFft = Number("w_fft"),
                Tau = Number("tau"),
            };
            using var loss = new StepLoss(LossPlan.Of(weights, student, GoldenJson.Ints(golden.GetProperty("s_id")), teacher, GoldenJson.Ints(golden.GetProperty("t_id"))), student, teacher);
            var step = new TrainingStep(student, teacher, loss, optimizer, average);
            var batches = golden.GetProperty("steps").GetArrayLength();
            return [.. Enumerable.Range(0, steps).Select(number =>
            {
                using var scope = NewDisposeScope();
                var images = GoldenJson.Generate($"train.input.{number % batches}", [8, 3, 64, 64], 4);
                var labels = tensor(GoldenJson.Longs(golden.GetProperty("steps")[number % batches].GetProperty("labels")));
                return step.Run([(images, labels, null)], settings.GetProperty("lr").GetDouble()).Loss;
            })];
        }
        finally
        {
            (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = (before, cudnn);
        }

        double Number(string key) => golden.GetProperty(key).GetDouble();
    }

    private double Resume()
    {
        var unbroken = Trained(null, int.MaxValue);
        var folder = Directory.CreateTempSubdirectory("resumed-").FullName;
        try
        {
            var path = Path.Combine(folder, "run");
            Trained(path, 3);
            var resumed = Trained(path, int.MaxValue);
            return unbroken.Zip(resumed, (a, b) => (double)Math.Abs(a - b)).Max();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private DistillationRecipe Recipe => new()
    {
        Student = "deit_nano_patch4_32",
        Teacher = "cait_nano_patch4_32",
        Epochs = 1,
        Batch = IsCpu ? 4 : 16,
        Device = device.ToString(),
        EmaDecay = 0.9,
        TrackSpectra = false,
    };

    /// <summary>The student's weights after two epochs of four steps, or after a stop.</summary>
    private float[] Trained(string? folder, int stopAfter)
    {
        using var student = ModelLoader.Load("deit_nano_patch4_32", new() { Weights = "seeded" });
        using var teacher = ModelLoader.Load("cait_nano_patch4_32", new() { Weights = "seeded:1" });
        using var stop = new CancellationTokenSource();
        var progress = new Told(told =>
        {
            if (told.TotalSteps >= stopAfter)
            {
                stop.Cancel();
            }
        });
        var recipe = Recipe with { Epochs = 2, Precision = TrainingPrecision.Float32 };
        var resume = folder is not null && Directory.Exists(folder);
        Distiller.RunAsync(student, teacher, new NoiseData(student.Spec.ImageSize.Height, 4), recipe, folder, resume, progress, stop.Token).GetAwaiter().GetResult();
        using var scope = NewDisposeScope();
        return cat(student.parameters().Select(parameter => parameter.detach().flatten()).ToList()).cpu().data<float>().ToArray();
    }

    private double Growth()
    {
        using var student = ModelLoader.Load("deit_nano_patch4_32", new() { Weights = "seeded" });
        using var teacher = ModelLoader.Load("cait_nano_patch4_32", new() { Weights = "seeded:1" });
        var used = new Dictionary<long, double>();
        var progress = new Told(told =>
        {
            if (told.TotalSteps is 100 or 500 && !used.ContainsKey(told.TotalSteps))
            {
                used[told.TotalSteps] = Used();
            }
        });
        Distiller.RunAsync(student, teacher, new NoiseData(student.Spec.ImageSize.Height, 500), Recipe, null, false, progress).GetAwaiter().GetResult();
        return used[500] - used[100];
    }

    /// <summary>MiB that the process holds: of the GPU's memory as its driver tells it, or resident.</summary>
    private double Used()
    {
        if (IsCpu)
        {
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64 / 1048576.0;
        }

        using var smi = Process.Start(new ProcessStartInfo("nvidia-smi", ["--query-gpu=memory.used", "--format=csv,noheader,nounits"]) { RedirectStandardOutput = true })!;
        return smi.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Max(line => double.Parse(line, System.Globalization.CultureInfo.InvariantCulture));
    }

    private static double Distance(Tensor expected, Tensor found) => (expected.cpu() - found.cpu().to(ScalarType.Float32)).abs().max().item<float>();

    private static double Largest(Tensor values) => values.abs().max().item<float>();

    private static double Relative(double expected, double found) => Math.Abs(expected - found) / Math.Max(Math.Abs(expected), 1e-12);

    private sealed class Told(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell(value);
    }
}
