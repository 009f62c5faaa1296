using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.Events;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.DotNetInteractive.Tests;

[CollectionDefinition(nameof(OneKernelAtATime), DisableParallelization = true)]
public sealed class OneKernelAtATime; // formatters are the process's

[Collection(nameof(OneKernelAtATime))]
public sealed class MagicCommandsInKernelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-kernel-").FullName;

    [Fact]
    public async Task Every_magic_command_runs_in_one_session_and_variables_go_in_and_out()
    {
        using var kernel = await KernelInProcess.StartAsync();
        var run = Path.Combine(_folder, "run");
        var comparison = Path.Combine(_folder, "comparison.json");
        await File.WriteAllTextAsync(comparison, """
            {
              "version": 1,
              "base": {
                "student": "deit_nano_patch4_32", "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "epochs": 1, "batch": 4, "device": "cpu",
                "data": { "train": "textures", "count": 8, "validationCount": 4, "size": 32 }
              },
              "methods": { "labels": { "losses": [{ "name": "labels" }] }, "kd": { "losses": [{ "name": "kd" }] } },
              "seeds": 1,
              "baseline": "labels"
            }
            """);
        var recipe = Path.Combine(_folder, "recipe.json");
        await File.WriteAllTextAsync(recipe, """
            { "student": "deit_nano_patch4_32", "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "batch": 4, "device": "cpu", "data": { "train": "textures", "count": 8, "validationCount": 4, "size": 32 } }
            """);
        string[] cells =
        [
            "#!spectral-help", "#!spectral-help analyze", "#!spectral-device", "#!spectral-models nano",
            "#!spectral-model cait_nano_patch8_64 --as teacher", "#!spectral-model deit_nano_patch8_64 --weights seeded:1 --as student",
            "var count = 12;\nvar seed = 3;",
            "#!spectral-images textures --count @count --seed @csharp:seed --as images",
            "#!spectral-analyze --model teacher --images images --as atTeacher",
            "#!spectral-analyze --model student --images images --as atStudent",
            $"#!spectral-features write --folder \"{Path.Combine(_folder, "features")}\" --model student --images images",
            "#!spectral-report --model student --images images --as report",
            "#!spectral-ucurve atTeacher atStudent", "#!spectral-ucurve @atTeacher,@atStudent --normalize", "#!spectral-layer atTeacher --layer -1",
            "#!spectral-chart heatmap --spectra atTeacher", "#!spectral-select --teacher atTeacher --student atStudent --strategy even --count 2 --as pairs",
            "#!spectral-similarity --teacher teacher --student student --images images --layers pairs --batch 4", $"#!spectral-predict \"{recipe}\" --count 8",
            $"#!spectral-distill --teacher teacher --student student --images images --layers pairs --epochs 1 --batch 4 --out \"{run}\" --as run",
            "#!spectral-analyze --model student --images images --as after",
            "#!spectral-dynamics --teacher atTeacher --before atStudent --after after", $"#!spectral-runs \"{run}\" --as runs",
            "#!spectral-methods kd", "#!spectral-recipes", "#!spectral-export paper-deit-tiny --to slurm", $"#!spectral-compare \"{comparison}\" --out \"{Path.Combine(_folder, "comparison")}\"",
            $"#!spectral-save atTeacher --to \"{Path.Combine(_folder, "teacher.csv")}\"",
        ];
        Assert.Equal(
            MagicCommandTable.All.Select(command => command.Name).Order(StringComparer.Ordinal),
            cells.Where(cell => cell.StartsWith("#!spectral", StringComparison.Ordinal)).Select(cell => cell.Split(' ')[0]).Distinct().Order(StringComparer.Ordinal));
        foreach (var cell in cells)
        {
            var events = await kernel.RunAsync(cell);
            Assert.True(cell.StartsWith("var ", StringComparison.Ordinal) || events.OfType<DisplayEvent>().Any(), $"{cell} shows nothing");
        }

        var host = new DotNetInteractiveHost(kernel.Root);
        Assert.True(host.TryGetVariable("atTeacher", out var spectrum));
        Assert.Equal(12, Assert.IsType<ModelSpectrum>(spectrum).Images);
        Assert.Contains(host.Variables, variable => variable.Name == "student" && typeof(VisionModel).IsAssignableFrom(variable.Type));
        Assert.Equal(["12"], KernelInProcess.Shown(await kernel.RunAsync("atTeacher.Images.ToString()"), "text/plain"));
        Assert.True(File.Exists(Path.Combine(_folder, "teacher.csv")));
    }

    [Theory]
    [InlineData("#!spectral-model deit_nano_patch8_65", "nearest: ")]
    [InlineData("#!spectral-analyze --model nothing", "there is no variable nothing")]
    [InlineData("#!spectral-images textures --count many", "--count takes a whole number; found \"many\"")]
    [InlineData("#!spectral-images textures --cuont 5", "--cuont")]
    public async Task A_wrong_line_fails_in_one_line_without_a_stack_and_the_session_goes_on(string line, string said)
    {
        using var kernel = await KernelInProcess.StartAsync();
        var message = await kernel.FailAsync(line);
        Assert.Contains(said, message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", message, StringComparison.Ordinal);
        await kernel.RunAsync("#!spectral-help");
    }

    [Fact]
    public async Task Names_parameters_variables_and_models_are_completed_and_hovered()
    {
        using var kernel = await KernelInProcess.StartAsync();
        Assert.Contains("#!spectral-analyze", await kernel.CompleteAsync("#!spectral-an"));
        Assert.Contains("--weights", await kernel.CompleteAsync("#!spectral-model deit_nano_patch8_64 --"));
        Assert.Contains("deit_nano_patch8_64", await kernel.CompleteAsync("#!spectral-model deit_nano"));
        await kernel.RunAsync("#!spectral-model deit_nano_patch8_64 --as vit");
        Assert.Contains("vit", await kernel.CompleteAsync("#!spectral-analyze --model v"));
        var hover = await kernel.Root.SendAsync(new RequestHoverText("#!spectral-analyze", new LinePosition(0, 5)));
        Assert.Contains(hover.Events.OfType<HoverTextProduced>().SelectMany(text => text.Content), text => text.Value.Contains("U-curve", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Progress_is_updated_in_place_and_a_cancelled_command_leaves_the_session_alive()
    {
        using var kernel = await KernelInProcess.StartAsync();
        await kernel.RunAsync("#!spectral-model deit_nano_patch8_64 --as vit");
        await kernel.RunAsync("#!spectral-images textures --count 1000000 --as many");
        var updated = new TaskCompletionSource<DisplayedValueUpdated>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watching = kernel.Root.KernelEvents.Subscribe(new FirstUpdate(updated));
        var endless = kernel.Root.SendAsync(new SubmitCode("#!spectral-analyze --model vit --images many --batch 2 --as never"));
        Assert.NotNull((await updated.Task).ValueId);
        await kernel.Root.SendAsync(new Cancel());
        Assert.Contains((await endless).Events, e => e is CommandFailed);
        Assert.False(new DotNetInteractiveHost(kernel.Root).TryGetVariable("never", out _));
        await kernel.RunAsync("#!spectral-help");
    }

    [Fact]
    public async Task Loading_twice_is_a_no_op_and_two_kernels_of_one_process_keep_their_variables_apart()
    {
        using var one = await KernelInProcess.StartAsync();
        await SpectralKDExtension.LoadAsync(one.Root);
        using var two = await KernelInProcess.StartAsync();
        await one.RunAsync("#!spectral-images textures --count 2 --as images");
        Assert.Contains("there is no variable images", await two.FailAsync("#!spectral-save images --to x.csv"), StringComparison.Ordinal);
        await two.RunAsync("#!spectral-images textures --count 3 --as images");
        Assert.Equal(["2"], KernelInProcess.Shown(await one.RunAsync("images.Count.ToString()"), "text/plain"));
    }

    [Fact]
    public async Task A_data_frame_is_a_table_also_where_its_own_extension_is_not_loaded()
    {
        using var kernel = await KernelInProcess.StartAsync();
        await kernel.RunAsync("#!spectral-model deit_nano_patch8_64");
        await kernel.RunAsync("#!spectral-images textures --count 2");
        await kernel.RunAsync("#!spectral-analyze");
        var html = Assert.Single(KernelInProcess.Shown(await kernel.RunAsync("spectrumTable"), "text/html"));
        Assert.Contains("<table", html, StringComparison.Ordinal);
        Assert.Contains("intensity", html, StringComparison.Ordinal);
        Assert.DoesNotContain("DataFrameColumn", html, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class FirstUpdate(TaskCompletionSource<DisplayedValueUpdated> found) : IObserver<KernelEvent>
    {
        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void OnNext(KernelEvent value)
        {
            if (value is DisplayedValueUpdated update)
            {
                found.TrySetResult(update);
            }
        }
    }
}
