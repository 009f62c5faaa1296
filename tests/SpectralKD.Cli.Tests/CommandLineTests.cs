using System.CommandLine;
using System.Text.Json.Nodes;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests;

public sealed class CommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-cli-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public async Task Device_names_the_torch_that_is_there()
    {
        Assert.Equal(0, await RunAsync("device"));
        Assert.Contains("libtorch", _output.ToString());
    }

    [Fact]
    public async Task Models_lists_what_the_filter_leaves()
    {
        Assert.Equal(0, await RunAsync("models", "deit_tiny"));
        Assert.Contains("5,717,416", _output.ToString());
        Assert.DoesNotContain("swin", _output.ToString());
    }

    [Fact]
    public async Task Methods_lists_the_losses_and_distill_takes_them_by_name()
    {
        Assert.Equal(0, await RunAsync("methods"));
        Assert.All(LossCatalog.All, kind => Assert.Contains(kind.Name, _output.ToString()));
        Assert.Equal(0, await RunAsync("methods", "vkd"));
        Assert.Contains("arXiv 2403.06213", _output.ToString());

        var recipe = Path.Combine(_folder, "losses.json");
        await File.WriteAllTextAsync(recipe, """
            { "student": "deit_nano_patch4_32", "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "losses": ["mse"], "epochs": 1, "batch": 10, "device": "cpu",
              "data": { "train": "textures", "count": 20, "validationCount": 10 } }
            """);
        var to = Path.Combine(_folder, "losses");
        Assert.Equal(0, await RunAsync("distill", recipe, "--losses", "dist,vkd,kd:weight=1,labels:weight=1", "--out", to));
        Assert.Equal(["labels", "dist", "vkd", "kd"], DistillationRecipe.Load(Path.Combine(to, "recipe.json")).Losses!.Select(term => term.Name));
        Assert.NotEqual(0, await RunAsync("distill", recipe, "--losses", "dits", "--out", to));
        Assert.Contains("spectralkd: there is no loss \"dits\"; did you mean dist?", _error.ToString());
        Assert.Contains("dist,dkd", CommandLine.Root().Parse("distill x --losses dist,dk").GetCompletions().Select(item => item.InsertText));
    }

    [Fact]
    public async Task Report_writes_a_page_a_table_and_the_spectra()
    {
        var to = Path.Combine(_folder, "report");
        Assert.Equal(0, await RunAsync("report", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "6", "--layers", "0,5,-1", "--image-size", "24", "--precision", "float32", "--out", to));

        Assert.Equal(6, ModelSpectrum.Load(Path.Combine(to, "spectrum.json")).Blocks[0].Height);
        Assert.Contains("is the size of the activations", _output.ToString());
        Assert.Equal(4, File.ReadLines(Path.Combine(to, "report.csv")).Count());
        Assert.Equal(SpectralDomain.Both, ModelSpectrum.Load(Path.Combine(to, "spectrum.json")).Domain);
        Assert.Equal(5, (await File.ReadAllTextAsync(Path.Combine(to, "report.html"))).Split("class=\"spectralkd-chart\"").Length - 1);
    }

    [Fact]
    public async Task Reports_of_parts_merge_and_after_a_second_pass_the_table_is_that_of_one_run()
    {
        string[] report = ["report", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "5", "--layers", "0,-1", "--batch", "1", "--per-image"];
        Assert.Equal(0, await RunAsync([.. report, "--out", Folder("one")]));
        foreach (var part in new[] { "1", "2" })
        {
            Assert.Equal(0, await RunAsync([.. report, "--shard", part + "/2", "--out", Folder(part)]));
        }

        Assert.Equal(0, await RunAsync("merge", Folder("2"), Folder("1"), "--out", Folder("whole")));
        Assert.Contains($"note: the activation entropy and the components of the basis that all images share (shared_d95) are left out", _error.ToString());
        Assert.NotEqual(Table("one"), Table("whole"));
        foreach (var part in new[] { "1", "2" })
        {
            Assert.Equal(0, await RunAsync([.. report, "--shard", part + "/2", "--whole", Folder("whole"), "--out", Folder(part)]));
        }

        Assert.Equal(0, await RunAsync("merge", Folder("2"), Folder("1"), "--out", Folder("whole"), "--force"));
        Assert.Equal(Table("one"), Table("whole"));
        Assert.Equal(File.ReadAllText(Path.Combine(Folder("one"), "images.csv")), File.ReadAllText(Path.Combine(Folder("whole"), "images.csv")));
        Assert.Equal(1, await RunAsync([.. report, "--out", Folder("one")]));
        Assert.Contains("holds a spectrum already", _error.ToString());

        string Table(string name) => File.ReadAllText(Path.Combine(Folder(name), "report.csv"));
    }

    [Fact]
    public async Task Analyze_writes_the_table_the_spectrum_and_the_chart()
    {
        var to = Path.Combine(_folder, "out");
        Assert.Equal(0, await RunAsync("analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "10", "--out", to));

        var rows = await File.ReadAllLinesAsync(Path.Combine(to, "blocks.csv"));
        Assert.StartsWith("block,name,channels,height,width,intensity,uniformity,high_frequency_ratio", rows[0]);
        Assert.Equal(13, rows.Length);
        Assert.Equal(10, Spectra.ModelSpectrum.Load(Path.Combine(to, "spectrum.json")).Images);
        Assert.Contains("Plotly.newPlot", await File.ReadAllTextAsync(Path.Combine(to, "u-curve.html")));
    }

    [Fact]
    public async Task Distill_trains_once_for_each_seed_and_goes_on_where_it_was_stopped()
    {
        var recipe = Path.Combine(_folder, "tiny.json");
        await File.WriteAllTextAsync(recipe, """
            {
              "version": 1, "student": "deit_nano_patch4_32", "loss": { "method": "none" }, "epochs": 1, "batch": 4, "device": "cpu", "seed": 5,
              "data": { "train": "textures", "count": 8, "validationCount": 10 }
            }
            """);
        var to = Path.Combine(_folder, "runs");
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", to, "--seeds", "2"));
        Assert.Contains("mean and standard deviation of 2 seeds", _output.ToString());
        Assert.Equal(["seed-5", "seed-6"], Directory.GetDirectories(to).Select(path => Path.GetFileName(path)).Order());
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", to, "--seeds", "3", "--resume"));
        Assert.True(File.Exists(Path.Combine(to, "seed-7", "best.safetensors")));
        Assert.NotEqual(0, await RunAsync("distill", recipe, "--out", to, "--seeds", "0"));
        Assert.Contains("--seeds must be at least 1", _error.ToString());
    }

    [Fact]
    public async Task Compare_trains_in_processes_of_its_own_or_writes_the_runs_out_and_gathers_them()
    {
        var file = Path.Combine(_folder, "tiny.json");
        await File.WriteAllTextAsync(file, """
            {
              "base": {
                "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "epochs": 1, "batch": 4, "device": "cpu", "align": false,
                "data": { "train": "textures", "count": 4, "validationCount": 6, "size": 32 }
              },
              "methods": { "labels": { "loss": { "method": "none" } }, "soft": {} }, "seeds": 2
            }
            """);
        Assert.Equal(0, await RunAsync("compare", file, "--out", Folder("written"), "--to", "commands"));
        Assert.Contains($"spectralkd compare run {Folder("written")} soft/seed-1\n", _output.ToString());
        Assert.Equal(0, await RunAsync("compare", file, "--out", Folder("written"), "--to", "slurm", "--jobs", "3"));
        Assert.Contains("#SBATCH --array=1-4%3\n", _output.ToString());
        Assert.DoesNotContain("--gpus-per-task", _output.ToString());
        Assert.Equal(0, await RunAsync("compare", "run", Folder("written"), "soft/seed-1"));
        Assert.Equal(0, await RunAsync("compare", "gather", Folder("written")));
        Assert.Contains("not finished: labels/seed-0, soft/seed-0, labels/seed-1", _output.ToString());
        Assert.Equal(1, await RunAsync("compare", "gather", Folder("nowhere")));
        Assert.Contains("there is no comparison.json in", _error.ToString());

        var run = await ProgramRun.RunAsync(ProgramRun.Dotnet, [ProgramRun.CommandLine, "compare", file, "--out", Folder("jobs"), "--jobs", "2"]);
        Assert.True(File.Exists(Folder("jobs/differences.html")), run.ToString());
        Assert.Equal(4, Distillation.ComparisonResult.Gather(Folder("jobs")).Outcomes.Count);
    }

    [Fact]
    public async Task Decoded_images_are_made_by_one_command_and_read_by_the_others_with_the_same_figures()
    {
        foreach (var name in new[] { "a/0.ppm", "a/1.ppm", "b/2.ppm", "b/3.ppm" })
        {
            var path = Path.Combine(Folder("photos"), name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, [.. "P6 60 50 255\n"u8, .. Enumerable.Range(0, 60 * 50 * 3).Select(i => (byte)((i * (name[2] - '/')) ^ (i >> 3)))]);
        }

        string[] analyze = ["analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", Folder("photos")];
        Assert.Equal(0, await RunAsync([.. analyze, "--out", Folder("plain")]));
        Assert.Equal(0, await RunAsync("cache", Folder("photos"), "--model", "deit_nano_patch4_32", "--out", Folder("decoded")));
        Assert.Contains("was made (it was not there): 4 images", _output.ToString());
        Assert.Equal(0, await RunAsync([.. analyze, "--out", Folder("cached"), "--image-cache", Folder("decoded")]));
        Assert.DoesNotContain("was made", _error.ToString());
        Assert.Equal(await File.ReadAllTextAsync(Folder("plain/spectrum.json")), await File.ReadAllTextAsync(Folder("cached/spectrum.json")));
        Assert.Equal(0, await RunAsync(["report", .. analyze[1..], "--layers", "0", "--out", Folder("report"), "--image-cache", Folder("decoded")]));
        Assert.DoesNotContain("was made", _error.ToString());
        Assert.Equal(1, await RunAsync([.. analyze[..^1], "textures", "--out", Folder("no"), "--image-cache", Folder("decoded")]));
        Assert.Contains("textures needs no image cache", _error.ToString());
        Assert.Equal(2, await RunAsync("cache", Folder("photos"), "--model", "deit_nano_patch4_32", "--side", "30", "--out", Folder("decoded")));

        var recipe = Path.Combine(_folder, "tiny.json");
        await File.WriteAllTextAsync(recipe, $$"""
            { "student": "deit_nano_patch4_32", "loss": { "method": "none" }, "epochs": 1, "batch": 1, "device": "cpu", "data": { "train": {{System.Text.Json.JsonSerializer.Serialize(Folder("photos"))}}, "holdOut": true, "validationShare": 0.5 } }
            """);
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run"), "--image-cache", Folder("decoded")));
        Assert.Equal(3, Directory.GetFiles(Folder("decoded")).Length);
    }

    [Fact]
    public async Task Analyze_takes_the_numbers_to_compute_in_and_parts_of_different_ones_do_not_merge()
    {
        string[] analyze = ["analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "4", "--device", "cpu"];
        Assert.Equal(0, await RunAsync([.. analyze, "--shard", "1/2", "--precision", "float32", "--out", Folder("1")]));
        Assert.Equal(0, await RunAsync([.. analyze, "--shard", "2/2", "--precision", "bf16", "--out", Folder("2")]));
        Assert.Equal(1, await RunAsync("merge", Folder("1"), Folder("2"), "--out", Folder("whole")));
        Assert.Contains("were made in different number types: Float32 and BFloat16", _error.ToString());
        Assert.Equal(1, await RunAsync([.. analyze, "--precision", "tf32", "--out", Folder("3")]));
        Assert.Contains("tf32 (TensorFloat-32) is a number type of NVIDIA's GPUs", _error.ToString());
        Assert.NotEqual(0, await RunAsync([.. analyze, "--precision", "half", "--out", Folder("3")]));
    }

    [Fact]
    public async Task Distill_keeps_the_teachers_answers_says_their_size_and_how_many_were_read()
    {
        var recipe = Path.Combine(_folder, "tiny.json");
        await File.WriteAllTextAsync(recipe, """
            {
              "student": "deit_nano_patch4_32", "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "epochs": 3, "batch": 4, "device": "cpu",
              "data": { "train": "textures", "count": 8, "validationCount": 2, "augmentation": "crop-flip" }, "probeImages": 2
            }
            """);
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run"), "--cache-teacher", Folder("cache"), "--views", "2"));
        Assert.Contains("of 24 images shown to the teacher 8 were read from its cache", _output.ToString());
        Assert.Contains("note: the teacher's answers take ", _error.ToString());
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("other"), "--cache-teacher", Folder("cache")));
        Assert.Contains("draws anew in each epoch, so that no image comes twice; set data.views (--views 2)", _error.ToString());
        Assert.Equal(2, await RunAsync("distill", recipe, "--out", Folder("third"), "--cache-top", "5"));
        Assert.Contains("name its folder there", _error.ToString());
    }

    [Theory]
    [InlineData("\"classes\": 9", "soft", 1)]
    [InlineData("\"classes\": 9", "hard", 1)]
    [InlineData("\"classes\": 9", "fft", 0)]
    [InlineData("\"classes\": 10", "soft", 0)]
    public async Task Distill_refuses_a_teacher_whose_head_would_be_random_where_its_logits_would_teach(string classes, string method, int expected)
    {
        var recipe = Path.Combine(_folder, "tiny.json");
        await File.WriteAllTextAsync(recipe, $$"""
            {
              "student": "deit_nano_patch8_64", "teacher": "cait_nano_patch8_64", "loss": { "method": "{{method}}" }, "epochs": 1, "batch": 2, "device": "cpu",
              "data": { "train": "textures", "count": 4, "validationCount": 2, {{classes}} }
            }
            """);
        Assert.Equal(expected, await RunAsync("distill", recipe, "--out", Folder("run")));
        Assert.Equal(expected == 1, _error.ToString().Contains("the teacher cait_nano_patch8_64 has a fresh, random head of 9 classes"));
        Assert.Equal(method == "fft", _error.ToString().Contains("warning: the teacher cait_nano_patch8_64: the head (9 classes) is fresh"));
    }

    [Fact]
    public async Task A_recipe_that_says_it_cannot_be_run_again_is_refused_with_its_reasons()
    {
        var recipe = Path.Combine(_folder, "session.json");
        await File.WriteAllTextAsync(recipe, """
            { "student": "deit_nano_patch4_32", "loss": { "method": "none" }, "unrepeatable": ["the images come from the session's own Stripes"] }
            """);
        Assert.Equal(1, await RunAsync("distill", recipe, "--out", Folder("run")));
        Assert.Equal(1, await RunAsync("export", recipe));
        Assert.Equal(2, _error.ToString().Split('\n').Count(line => line.Contains("cannot be run again") && line.Contains("the session's own Stripes")));
        Assert.False(Directory.Exists(Folder("run")));
    }

    [Fact]
    public async Task Parts_merge_to_the_whole_and_their_entropies_too_with_the_range_that_merge_names()
    {
        string[] analyze = ["analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "7", "--domain", "both"];
        await RunAsync([.. analyze, "--out", Folder("whole")]);
        await RunAsync([.. analyze, "--shard", "1/2", "--out", Folder("1")]);
        await RunAsync([.. analyze, "--shard", "2/2", "--out", Folder("2")]);
        Assert.Equal(0, await RunAsync("merge", Folder("1"), Folder("2"), "--out", Folder("without")));
        var (whole, without) = (Load("whole"), Load("without"));
        Assert.Equal(whole.Intensities[5], without.Intensities[5], 1e-12);
        Assert.Null(without.Blocks[0].Entropy);

        var range = System.Text.RegularExpressions.Regex.Match(_error.ToString(), "--entropy-range=\\S+").Value;
        await RunAsync([.. analyze, "--shard", "1/2", range, "--out", Folder("1"), "--force"]);
        await RunAsync([.. analyze, "--shard", "2/2", range, "--out", Folder("2"), "--force"]);
        Assert.Equal(0, await RunAsync("merge", Folder("1"), Folder("2"), "--out", Folder("with")));
        Assert.All(whole.Blocks.Zip(Load("with").Blocks), pair => Assert.Equal(pair.First.ActivationEntropy!.Value, pair.Second.ActivationEntropy!.Value, 1e-12));

        Spectra.ModelSpectrum Load(string name) => Spectra.ModelSpectrum.Load(Path.Combine(Folder(name), "spectrum.json"));
    }

    [Fact]
    public async Task Merge_refuses_what_overlaps_or_differs_names_both_files_and_unchecked_says_what_it_passes_over()
    {
        string[] analyze = ["analyze", "--model", "deit_nano_patch4_32", "--images", "textures", "--count", "6"];
        await RunAsync([.. analyze, "--weights", "seeded", "--shard", "1/2", "--out", Folder("one")]);
        await RunAsync([.. analyze, "--weights", "seeded:1", "--shard", "2/2", "--out", Folder("other")]);

        Assert.NotEqual(0, await RunAsync("merge", Folder("one"), Path.Combine(Folder("one"), "spectrum.json"), "--out", Folder("whole")));
        Assert.Contains($"{Folder("one")} (3 images) and {Path.Combine(Folder("one"), "spectrum.json")} (3 images) share 3 images", _error.ToString());
        Assert.NotEqual(0, await RunAsync("merge", Folder("one"), Folder("other"), "--out", Folder("whole")));
        Assert.Contains($"{Folder("one")} and {Folder("other")} were made with different weights: UNTRAINED: initial weights, seed 0", _error.ToString());
        Assert.False(Directory.Exists(Folder("whole")));

        Assert.Equal(0, await RunAsync("merge", Folder("one"), Folder("one"), "--unchecked", "--out", Folder("whole")));
        Assert.Contains("merged all the same: ", _error.ToString());
        Assert.Contains("note: 3 of the 6 images of textures are in none of the parts (1/2, 1/2)", _error.ToString());
        Assert.Equal(6, Spectra.ModelSpectrum.Load(Path.Combine(Folder("whole"), "spectrum.json")).Images);
    }

    [Fact]
    public async Task What_is_no_part_is_named_with_what_a_part_is()
    {
        Directory.CreateDirectory(Folder("empty"));

        Assert.NotEqual(0, await RunAsync("merge", Folder("empty"), "--out", Folder("whole")));
        Assert.Contains($"there is no spectrum.json in {Folder("empty")}: give spectrum.json files, or folders that spectralkd analyze wrote", _error.ToString());
        Assert.NotEqual(0, await RunAsync("merge", Folder("nope"), "--out", Folder("whole")));
        Assert.Contains($"there is no file or folder {Folder("nope")}: give", _error.ToString());
    }

    [Theory]
    [InlineData("--shard", "4/3", "there is no part 4 of 3")]
    [InlineData("--entropy-range", "2,1", "2,1")]
    public async Task What_is_typed_wrong_is_said_before_images_are_opened_and_a_model_is_loaded(string option, string value, string said)
    {
        Assert.NotEqual(0, await RunAsync("analyze", "--model", "vit_giant_patch14_dinov2", "--images", Folder("nowhere"), option, value, "--out", _folder));
        Assert.Contains(said, _error.ToString());
        Assert.DoesNotContain("vit_giant", _error.ToString());
        Assert.DoesNotContain("nowhere", _error.ToString());
    }

    [Fact]
    public async Task Analyze_says_on_every_way_that_a_model_is_untrained()
    {
        await RunAsync("analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded:3", "--images", "textures", "--count", "3", "--out", _folder);

        Assert.Contains("deit_nano_patch4_32: UNTRAINED: initial weights, seed 3", _error.ToString());
        Assert.Contains("deit_nano_patch4_32 (UNTRAINED): 12 blocks, 3 images", _output.ToString());
        Assert.Contains("deit_nano_patch4_32 (UNTRAINED)", await File.ReadAllTextAsync(Path.Combine(_folder, "u-curve.html")));
        Assert.EndsWith("\"UNTRAINED: initial weights, seed 3\"", (await File.ReadAllLinesAsync(Path.Combine(_folder, "blocks.csv")))[1]);
        Assert.Contains("\"kind\":\"seeded\"", await File.ReadAllTextAsync(Path.Combine(_folder, "spectrum.json")));
    }

    [Fact]
    public async Task The_first_notebook_runs_with_other_parameters()
    {
        var notebook = Path.Combine(SharedData.RepositoryRoot, "notebooks", "01-first-spectrum.ipynb");
        Assert.Equal(0, await RunAsync("run", notebook, "--parameter", "model=deit_nano_patch4_32", "--out", _folder));

        var executed = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "01-first-spectrum.ipynb")))!;
        Assert.Equal(5, (int)executed["nbformat_minor"]!);
        Assert.Contains("deit_nano_patch4_32", executed["cells"]!.ToJsonString());
        Assert.Contains("Plotly", await File.ReadAllTextAsync(Path.Combine(_folder, "01-first-spectrum.html")));
    }

    [Fact]
    public async Task The_first_notebook_says_of_an_untrained_model_that_it_is_and_claims_nothing_of_training()
    {
        var notebook = Path.Combine(SharedData.RepositoryRoot, "notebooks", "01-first-spectrum.ipynb");
        Assert.Equal(0, await RunAsync("run", notebook, "--parameter", "model=deit_nano_patch4_32", "--parameter", "weights=seeded:3", "--out", _folder));

        var page = await File.ReadAllTextAsync(Path.Combine(_folder, "01-first-spectrum.html"));
        Assert.Contains("UNTRAINED: initial weights, seed 3", page);
        Assert.Contains("Both networks are UNTRAINED", page);
        Assert.Contains("deit_nano_patch4_32, seeded:1000 (UNTRAINED)", page);
        Assert.DoesNotContain("Training has changed", Outputs(Path.Combine(_folder, "01-first-spectrum.ipynb")));
    }

    [Fact]
    public async Task The_first_notebook_takes_published_weights_and_names_two_ways_out_without_a_network()
    {
        var notebook = Path.Combine(SharedData.RepositoryRoot, "notebooks", "01-first-spectrum.ipynb");
        var (code, said) = await OfflineAsync("run", notebook, "--parameter", "model=deit_tiny_patch16_224", "--out", _folder);

        Assert.NotEqual(0, code);
        Assert.Contains("timm/deit_tiny_patch16_224.fb_in1k", said);
        Assert.Contains("weights=FILE", said);
        Assert.Contains("weights=seeded", said);
    }

    [Fact]
    public async Task A_command_names_its_own_options_where_weights_cannot_be_fetched()
    {
        var (code, said) = await OfflineAsync("similarity", "--teacher", "vit_tiny_patch16_224", "--student", "deit_nano_patch4_32", "--images", "textures", "--out", Folder("pairs"));

        Assert.NotEqual(0, code);
        Assert.Contains("--teacher-weights", said);
        Assert.DoesNotContain("weights=", said);
    }

    // The program in a process of its own, without a network and with nothing in the hub's cache.
    private Task<(int Code, string Output)> OfflineAsync(params string[] arguments) => ProgramRun.RunAsync(
        ProgramRun.Dotnet, [ProgramRun.CommandLine, .. arguments], null, ("HF_HUB_OFFLINE", "1"), ("HF_HOME", Folder("empty")));

    [Fact]
    public async Task A_failing_cell_ends_the_run_with_an_error_and_keeps_what_ran()
    {
        var notebook = Notebook("1 + 1", "int.Parse(\"x\")", "\"never reached\"");
        Assert.NotEqual(0, await RunAsync("run", notebook, "--out", Path.Combine(_folder, "out")));

        var cells = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "out", "test.ipynb")))!["cells"]!.AsArray();
        Assert.Contains("cell [2] failed", _error.ToString());
        Assert.Equal("2", (string)cells.First(c => (string)c!["cell_type"]! == "code")!["outputs"]![0]!["data"]!["text/plain"]![0]!);
        Assert.Equal("error", (string)cells.Last(c => c!["outputs"]!.AsArray().Count > 0)!["outputs"]![0]!["output_type"]!);
        Assert.DoesNotContain("at SpectralKD", cells.ToJsonString());
    }

    [Theory]
    [InlineData("#!spectral-analyse", "did you mean #!spectral-analyze?")]
    [InlineData("#!spectral-model deit_tiny_patch16 --weights seeded", "deit_tiny_patch16_224")]
    public async Task A_failing_command_is_one_line_without_a_stack(string cell, string said)
    {
        Assert.Equal(1, await RunAsync("run", Notebook(cell), "--out", Path.Combine(_folder, "out")));
        Assert.Contains(said, _error.ToString());
        Assert.DoesNotContain("   at ", _error.ToString());
    }

    [Theory]
    [InlineData("this is no JSON", "test.ipynb")]
    [InlineData("{\"nbformat\": 4", "test.ipynb")]
    [InlineData("[]", "test.ipynb")]
    public async Task What_is_no_notebook_is_refused_in_one_line(string content, string named)
    {
        var path = Path.Combine(_folder, "test.ipynb");
        await File.WriteAllTextAsync(path, content);
        Assert.Equal(1, await RunAsync("run", path));
        Assert.Single(_error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(named, _error.ToString());
    }

    [Fact]
    public async Task Images_that_cannot_be_read_are_named_on_stderr_and_the_rest_is_analysed()
    {
        var cats = Directory.CreateDirectory(Path.Combine(_folder, "photos", "cats")).FullName;
        await File.WriteAllTextAsync(Path.Combine(cats, "text.jpg"), "this is text");
        await File.WriteAllBytesAsync(Path.Combine(cats, "good.png"), Data.ContactSheet.Render(Data.Textures.Create(4, 32), 4));

        Assert.Equal(0, await RunAsync(
            "analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", Path.Combine(_folder, "photos"), "--out", Path.Combine(_folder, "out")));
        Assert.Contains("text.jpg", _error.ToString());
    }

    [Fact]
    public async Task What_was_left_out_is_told_and_names_from_files_cannot_command_the_terminal()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows allows no control characters in names");
        var cats = Directory.CreateDirectory(Path.Combine(_folder, "photos", "cats\u001b[2J")).FullName;
        await File.WriteAllTextAsync(Path.Combine(cats, "text\u001b]0;owned\a.jpg"), "this is text");
        await File.WriteAllBytesAsync(Path.Combine(cats, "good.png"), Data.ContactSheet.Render(Data.Textures.Create(4, 32), 4));
        await File.WriteAllTextAsync(Path.Combine(_folder, "photos", "top\u202egnp.png"), "");

        Assert.Equal(0, await RunAsync(
            "analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", Path.Combine(_folder, "photos"), "--out", Path.Combine(_folder, "out\u001b[1m")));
        Assert.Contains(@"note: 1 image is left out, beside the class folders (top\u202egnp.png)", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains(@"cats\x1b[2J/text\x1b]0;owned\x07.jpg", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains(@"out\x1b[1m", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', _error.ToString() + _output);
    }

    [Fact]
    public async Task A_folder_without_images_is_an_error()
    {
        var empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
        Assert.Equal(1, await RunAsync("analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", empty, "--out", _folder));
        Assert.Contains("empty", _error.ToString());
    }

    [Fact]
    public async Task Photos_give_a_spectrum_of_all_twelve_blocks()
    {
        var photos = SharedData.OrSkip("data", "imagenet-sample");
        Assert.Equal(0, await RunAsync(
            "analyze", "--model", "deit_tiny_patch16_224", "--weights", "seeded", "--images", photos, "--count", "4", "--out", _folder));
        var spectrum = Spectra.ModelSpectrum.Load(Path.Combine(_folder, "spectrum.json"));
        Assert.Equal((12, 4), (spectrum.Blocks.Length, (int)spectrum.Images));
    }

    [Theory]
    [InlineData("install")]
    [InlineData("uninstall")]
    [InlineData("list")]
    public async Task A_kernel_is_for_the_user_or_for_a_prefix_not_both(string verb)
    {
        Assert.NotEqual(0, await RunAsync("jupyter", verb, "--user", "--prefix", _folder));
        Assert.Contains($"--user and --prefix {_folder} name two places", _error.ToString());
        Assert.Equal(0, await RunAsync("jupyter", "install", "--prefix", _folder));
        Assert.Equal(0, await RunAsync("jupyter", verb, "--prefix", _folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(
        args, new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = _output, Error = _error });

    private string Folder(string name) => Path.Combine(_folder, name);

    private static string Outputs(string notebook)
        => string.Concat(JsonNode.Parse(File.ReadAllText(notebook))!["cells"]!.AsArray().Select(cell => cell!["outputs"]?.ToJsonString()));

    private string Notebook(params string[] cells)
    {
        var json = new JsonObject
        {
            ["nbformat"] = 4,
            ["nbformat_minor"] = 5,
            ["metadata"] = new JsonObject(),
            ["cells"] = new JsonArray([.. cells.Select((code, i) => new JsonObject
            {
                ["cell_type"] = "code", ["id"] = $"cell-{i}", ["metadata"] = new JsonObject(), ["execution_count"] = null,
                ["outputs"] = new JsonArray(), ["source"] = code,
            })]),
        };
        var path = Path.Combine(_folder, "test.ipynb");
        File.WriteAllText(path, json.ToJsonString());
        return path;
    }
}
