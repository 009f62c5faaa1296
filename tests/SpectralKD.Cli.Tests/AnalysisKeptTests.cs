using System.CommandLine;
using System.Text.Json.Nodes;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests;

/// <summary>Analyses that lose nothing: not by a stop, not by a folder that cannot be written, not by a second command.</summary>
public sealed class AnalysisKeptTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-kept-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Theory]
    [InlineData(SpectralDomain.Spatial, 1)]
    [InlineData(SpectralDomain.Both, 2)]
    [InlineData(SpectralDomain.Channel, 5)]
    [InlineData(SpectralDomain.Both, 6)]
    public async Task A_stopped_analysis_goes_on_to_the_same_bits(SpectralDomain domain, int batches)
    {
        await PhotosAsync();
        using var model = await ModelLoader.LoadAsync("deit_nano_patch4_32", new ModelLoadOptions { Weights = "seeded" }, cancellationToken: TestContext.Current.CancellationToken);
        var images = Data.ImageSources.Open(Folder("photos"));
        var options = new SpectralOptions { Domain = domain, BatchSize = 2 };
        var whole = SpectralAnalysis.Run(model, images, options, cancellation: TestContext.Current.CancellationToken);

        var kept = options with { ResumeFile = Folder("partial.json") };
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => SpectralAnalysis.Run(model, images, kept, new StopAfter(batches, stop), stop.Token));
        var left = AnalysisCheckpoint.Open(kept.ResumeFile!, System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(JsonNode.Parse(await File.ReadAllTextAsync(kept.ResumeFile!, TestContext.Current.CancellationToken))!["analysis"]!)!).Found!;
        Assert.Equal(batches > 4 ? 2 : 1, left.Pass);

        var other = Assert.Throws<SpectralKDException>(() => SpectralAnalysis.Run(model, images, kept with { Layers = [0] }, cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("holds another analysis: its layers is 0,1,2,3,4,5,6,7,8,9,10,11, now 0", other.Message);
        Assert.Equal(whole.ToJson(), SpectralAnalysis.Run(model, images, kept, cancellation: TestContext.Current.CancellationToken).ToJson());
        Assert.Single(whole.Skipped);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_said_before_a_model_is_loaded()
    {
        await File.WriteAllTextAsync(Folder("taken"), "", TestContext.Current.CancellationToken);
        Assert.Equal(1, await RunAsync("analyze", "--model", "deit_nano_patch4_32", "--weights", Folder("nowhere.pth"), "--images", Folder("nowhere"), "--out", Folder("taken")));
        Assert.Contains($"the folder {Folder("taken")} cannot be written", _error.ToString());
    }

    [Fact]
    public async Task A_result_is_not_overwritten_without_force_and_resume_keeps_it()
    {
        string[] analyze = ["analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--out", Folder("out")];
        Assert.Equal(0, await RunAsync([.. analyze, "--count", "3"]));
        Assert.False(File.Exists(Folder("out/partial.json")));
        Assert.Equal(1, await RunAsync([.. analyze, "--count", "4"]));
        Assert.Contains($"{Folder("out")} holds a spectrum already", _error.ToString());
        Assert.Equal(0, await RunAsync([.. analyze, "--count", "3", "--resume"]));
        Assert.Contains("note: complete already: ", _error.ToString());
        Assert.Equal(1, await RunAsync([.. analyze, "--count", "4", "--resume"]));
        Assert.Contains("is of another analysis: its list of images is", _error.ToString());
        Assert.Equal(0, await RunAsync([.. analyze, "--count", "4", "--force"]));
        Assert.Equal(4, ModelSpectrum.Load(Folder("out/spectrum.json")).Images);

        await File.WriteAllTextAsync(Folder("partial.json"), "{}", TestContext.Current.CancellationToken);
        Assert.Equal(1, await RunAsync("merge", Folder("out"), "--out", _folder));
        Assert.Contains("holds a stopped analysis", _error.ToString());
        Assert.Equal(1, await RunAsync("merge", Folder("out"), "--out", Folder("out")));
    }

    [Fact]
    public async Task Several_models_or_checkpoints_are_analysed_by_one_command_into_a_folder_each_and_one_chart()
    {
        string[] analyze = ["analyze", "--images", "textures", "--count", "3"];
        Assert.Equal(0, await RunAsync([.. analyze, "--model", "deit_nano_patch4_32,cait_nano_patch4_32", "--weights", "seeded", "--out", Folder("models"), "--json"]));
        var found = JsonNode.Parse(_output.ToString())!["spectra"]!.AsArray();
        Assert.Equal(["deit_nano_patch4_32", "cait_nano_patch4_32"], found.Select(spectrum => (string)spectrum!["name"]!));
        Assert.True(File.Exists(Folder("models/cait_nano_patch4_32/spectrum.json")));
        Assert.Equal(1 + 12 + 24, (await File.ReadAllLinesAsync(Folder("models/blocks.csv"), TestContext.Current.CancellationToken)).Length);

        Directory.CreateDirectory(Folder("checkpoints"));
        foreach (var epoch in new[] { 2, 10 })
        {
            using var model = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = $"seeded:{epoch}" });
            ModelLoader.Save(model, Folder($"checkpoints/epoch-{epoch}.safetensors"));
        }

        Assert.Equal(0, await RunAsync([.. analyze, "--model", "deit_nano_patch4_32", "--weights", Folder("checkpoints"), "--out", Folder("epochs")]));
        Assert.Equal(["epoch-2", "epoch-10"], (await File.ReadAllLinesAsync(Folder("epochs/blocks.csv"), TestContext.Current.CancellationToken)).Skip(1).Select(line => line.Split(',')[0]).Distinct());
        File.Delete(Folder("epochs/epoch-10/spectrum.json"));
        Assert.Equal(0, await RunAsync([.. analyze, "--model", "deit_nano_patch4_32", "--weights", $"{Folder("checkpoints/epoch-2.safetensors")},{Folder("checkpoints/epoch-10.safetensors")}", "--out", Folder("epochs"), "--resume"]));
        Assert.Contains("note: [1/2] epoch-2: complete already", _error.ToString());
        Assert.True(File.Exists(Folder("epochs/epoch-10/spectrum.json")));
        Assert.Equal(1, await RunAsync([.. analyze, "--model", "deit_nano_patch4_32,cait_nano_patch4_32,deit_nano_patch8_64", "--weights", "seeded,seeded:1", "--out", Folder("no")]));
        Assert.Contains("--model names 3 models and --weights 2", _error.ToString());
    }

    [Fact]
    public async Task Parts_of_a_similarity_merge_to_the_bytes_of_one_run_and_what_does_not_fit_is_refused()
    {
        string[] similarity = ["similarity", "--teacher", "deit_nano_patch4_32", "--teacher-weights", "seeded:1", "--student", "deit_nano_patch4_32", "--student-weights", "seeded:2", "--images", "textures", "--batch", "4", "--count"];
        Assert.Equal(0, await RunAsync([.. similarity, "14", "--out", Folder("one")]));
        Assert.Equal(0, await RunAsync([.. similarity, "14", "--shard", "1/2", "--out", Folder("first")]));
        Assert.Contains("these figures are of a part of the images; missing: 2/2", _error.ToString());
        Assert.Equal(0, await RunAsync([.. similarity, "14", "--shard", "2/2", "--out", Folder("second")]));
        Assert.Equal(0, await RunAsync("merge", Folder("second"), Folder("first/similarity.safetensors"), "--out", Folder("whole")));
        foreach (var file in new[] { "similarity.csv", "similarity.safetensors" })
        {
            Assert.Equal(await File.ReadAllBytesAsync(Folder($"one/{file}"), TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(Folder($"whole/{file}"), TestContext.Current.CancellationToken));
        }

        Assert.True(File.Exists(Folder("whole/similarity.html")));
        Assert.Equal(1, await RunAsync("merge", Folder("first"), Folder("second"), "--out", Folder("whole")));
        Assert.Contains($"{Folder("whole")} holds a similarity already", _error.ToString());
        Assert.Equal(1, await RunAsync("merge", Folder("first"), Folder("first"), "--out", Folder("no")));
        Assert.Contains("part 1/2 of the similarity was given twice", _error.ToString());

        // Nothing is overwritten unasked, and that is said before the models are loaded.
        Assert.Equal(1, await RunAsync([.. similarity, "14", "--out", Folder("one")]));
        Assert.Contains($"{Folder("one")} holds a similarity already", _error.ToString());
        Assert.Equal(0, await RunAsync([.. similarity, "14", "--out", Folder("one"), "--force"]));

        // In a process of its own nothing has loaded libtorch before. Its number of threads may be another, so the last digits too.
        await ProgramRun.SucceedAsync(ProgramRun.Dotnet, [ProgramRun.CommandLine, "merge", Folder("second"), Folder("first"), "--out", Folder("alone")]);
        Assert.True(File.Exists(Folder("alone/similarity.csv")));
        Assert.Equal(1, await RunAsync("merge", Folder("first"), Folder("nowhere"), "--out", Folder("no")));
        Assert.Contains($"{Folder("nowhere")} holds no similarity.safetensors, but {Folder("first")} does", _error.ToString());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Seven images, the fourth of which cannot be read: batches of two end at places 2, 5 and 7.
    private async Task PhotosAsync()
    {
        Directory.CreateDirectory(Folder("photos/a"));
        for (var i = 0; i < 7; i++)
        {
            byte[] picture = [.. "P6 40 36 255\n"u8, .. Enumerable.Range(0, 40 * 36 * 3).Select(value => (byte)((value * (i + 1)) ^ (value >> 3)))];
            await File.WriteAllBytesAsync(Folder($"photos/a/{i}.ppm"), i == 3 ? picture[..20] : picture, TestContext.Current.CancellationToken);
        }
    }

    private Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(
        args, new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = _output, Error = _error });

    private string Folder(string name) => Path.Combine(_folder, name);

    private sealed class StopAfter(int batches, CancellationTokenSource stop) : IProgress<AnalysisProgress>
    {
        private int _seen;

        public void Report(AnalysisProgress value)
        {
            if (++_seen == batches)
            {
                stop.Cancel();
            }
        }
    }
}
