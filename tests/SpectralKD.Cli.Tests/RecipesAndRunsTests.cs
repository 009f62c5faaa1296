using System.CommandLine;
using System.Numerics;
using System.Text.Json.Nodes;

namespace SpectralKD.Cli.Tests;

/// <summary>Recipes that are listed, explained and changed on the command line; runs that are made longer; their figures for other tools.</summary>
public sealed class RecipesAndRunsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-recipes-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public async Task Recipes_lists_the_built_in_ones_with_size_and_time_and_prints_one_as_a_template()
    {
        Assert.Equal(0, await RunAsync("recipes"));
        Assert.All(RecipeLibrary.Names, name => Assert.Contains(name, _output.ToString()));
        Assert.Matches(@"nano-deit-distilled +deit_nano_patch8_64 \(0\.1 M\) +cait_nano_patch8_64 \(0\.8 M\) +4,000 +10 +about \d+ min", _output.ToString());
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync("recipes", "nano-deit-alone"));
        Assert.Equal(RecipeLibrary.Get("nano-deit-alone").ToJson(), DistillationRecipe.FromJson(_output.ToString()).ToJson());
    }

    [Fact]
    public async Task Each_field_of_a_recipe_is_explained()
    {
        Assert.Equal(0, await RunAsync("recipes", "--fields", "--json"));
        var fields = JsonNode.Parse(_output.ToString())!.AsArray();
        Assert.All(fields, field => Assert.True(((string)field!["meaning"]!).Length > 10, (string)field["field"]!));
        Assert.Contains("loss.alpha", fields.Select(field => (string)field!["field"]!));
        Assert.All(RecipeFields.All, field => Assert.True(field.Takes != "JSON" || field.Path is "losses" or "unrepeatable" or "extended", field.Path));
    }

    [Fact]
    public async Task Distill_takes_any_field_of_the_recipe_and_images_of_ones_own()
    {
        var recipe = await RecipeAsync();
        Assert.Equal(0, await RunAsync(
            "distill", recipe, "--out", Folder("run"), "--epochs", "1", "--device", "cpu", "--images", "textures", "--set", "data.count=12", "--set", "DATA.classes=3", "--set", "data.validationCount=6",
            "--set", "optimizer.clipNorm=2", "--set", "note=mine", "--set", "precision=float32", "--set", "data.size=32"));
        var used = DistillationRecipe.Load(Folder("run/recipe.json"));
        Assert.Equal((1, "cpu", 12, 3, 6, 2, "mine", TrainingPrecision.Float32), (used.Epochs, used.Device, used.Data.Count, used.Data.Classes, used.Data.ValidationCount, used.Optimizer.ClipNorm, used.Note, used.Precision));
        Assert.Contains("note: --images takes all of textures; the recipe's data.count 8, data.validationCount 10 was said of its own images", _error.ToString());
    }

    [Theory]
    [InlineData("epcohs=1", "a recipe has no field epcohs; did you mean epochs?")]
    [InlineData("loss.alhpa=1", "did you mean loss.alpha?")]
    [InlineData("epochs=many", "epochs takes a whole number; found \"many\"")]
    [InlineData("precision=half", "precision takes float32, tf32, bf16; found \"half\"")]
    [InlineData("loss=1", "loss is a part of a recipe; set one of its fields: loss.method, ")]
    [InlineData("epochs", "\"epochs\" sets nothing: write FIELD=VALUE")]
    [InlineData("epochs=0", "epochs must be at least 1, but is 0")]
    public async Task What_is_set_wrong_is_said_in_one_line(string assignment, string said)
    {
        Assert.Equal(2, await RunAsync("distill", "nano-deit-alone", "--out", Folder("run"), "--set", assignment));
        var error = Assert.Single(_error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(said, error);
        Assert.Contains("; see spectralkd distill --help", error);
        Assert.False(Directory.Exists(Folder("run")));
    }

    [Fact]
    public async Task A_run_is_made_longer_its_schedules_rule_is_said_and_its_recipe_repeats_it_to_the_bit()
    {
        var recipe = await RecipeAsync();
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run")));
        Assert.Equal(1, await RunAsync("distill", recipe, "--out", Folder("run"), "--resume", "--epochs", "1"));
        Assert.Contains("begun with another recipe: epochs 2 -> 1", _error.ToString());
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run"), "--resume", "--epochs", "4"));
        Assert.Contains("the run was made longer after 2 of 2 epochs: epochs from 2 on follow the cosine over 4 epochs", _error.ToString());

        var longer = DistillationRecipe.Load(Folder("run/recipe.json"));
        Assert.Equal([new RunExtension(2, 2)], longer.Extended!);
        var rates = DistillationRun.Load(Folder("run")).Epochs.Select(epoch => epoch.LearningRate).ToList();
        Assert.Equal([longer.Schedule() with { Epochs = 2 } is var two ? two.InEpoch(0) : 0, two.InEpoch(1), longer.Schedule().InEpoch(2), longer.Schedule().InEpoch(3)], rates);

        Assert.Equal(0, await RunAsync("distill", Folder("run/recipe.json"), "--out", Folder("again")));
        Assert.Equal(Weights("run"), Weights("again"));
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run"), "--resume", "--epochs", "4"));
    }

    [Fact]
    public async Task Equal_pairs_are_equal_however_they_are_named()
    {
        var recipe = await RecipeAsync("\"teacher\": \"cait_nano_patch4_32\", \"teacherWeights\": \"seeded:1\", \"loss\": { \"method\": \"soft\" }");
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run"), "--epochs", "1"));
        string[] longer = ["distill", recipe, "--out", Folder("run"), "--resume", "--epochs", "2"];
        Assert.Equal(0, await RunAsync([.. longer, "--set", "studentLayers=0,1,6,7,8,9,10,-1", "--set", "teacherLayers=0,1,18,19,20,21,22,-1"]));
        Assert.Null(DistillationRecipe.Load(Folder("run/recipe.json")).StudentLayers);
        Assert.Equal(1, await RunAsync([.. longer, "--set", "studentLayers=0,1", "--set", "teacherLayers=0,1"]));
        Assert.Contains("begun with another recipe: studentLayers null -> [0,1]", _error.ToString().ReplaceLineEndings("").Replace(" ", "").Replace("begunwithanotherrecipe:studentLayersnull->[0,1]", "begun with another recipe: studentLayers null -> [0,1]"));
    }

    [Fact]
    public async Task A_run_keeps_its_epochs_as_a_table_and_as_tensorboards_event_files_also_after_going_on()
    {
        var recipe = await RecipeAsync();
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run")));
        Assert.Equal(0, await RunAsync("distill", recipe, "--out", Folder("run"), "--resume", "--epochs", "3"));
        var table = Spectra.TableCsv.Load(Folder("run/metrics.csv"));
        Assert.Equal(DistillationRun.Load(Folder("run")).Epochs.Select(epoch => epoch.Loss), Enumerable.Range(0, 3).Select(row => (double)table["train_loss"][row]));

        var events = Events(Assert.Single(Directory.GetFiles(Folder("run/tensorboard")))).ToList();
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        var losses = events.Where(entry => entry.Summary?.Value.Any(value => value.Tag == "train/loss") == true).ToList();
        Assert.Equal([0L, 1, 2], losses.Select(entry => entry.Step));
        Assert.All(losses, entry => Assert.Equal((float)(double)table["train_loss"][entry.Step], entry.Summary.Value[0].SimpleValue));
        Assert.Contains(events, entry => entry.Summary?.Value.Any(value => value.Tag == "test/acc1") == true);
    }

    [Fact]
    public void Progress_of_a_training_has_rate_and_time_left_in_a_line()
    {
        var words = TrainingLine.Words(new TrainingProgress { Phase = TrainingPhase.Training, Epoch = 1, Epochs = 5, Step = 7, StepsPerEpoch = 60, ImagesPerSecond = 12.4, TimeLeft = TimeSpan.FromMinutes(3) });
        Assert.Matches(@"^epoch 2/5, step 7/60, .*12 images/s, 3 min.* left$", words);
        using var writer = new StringWriter();
        writer.Write(ErrorTerminal.Progress(words));
        Assert.True(ErrorTerminal.Rewrites || writer.ToString() == words + "\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Weights(string run) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Directory.GetFiles(Folder($"{run}/checkpoint"), "model-*").Single())))
        + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Directory.GetFiles(Folder($"{run}/checkpoint"), "average-*").Single())));

    // TFRecord: length, checksum of it, data, checksum; checksums are CRC-32C, rotated and shifted.
    private static IEnumerable<Tensorboard.Event> Events(string path)
    {
        var bytes = File.ReadAllBytes(path);
        for (var place = 0; place < bytes.Length;)
        {
            var length = (int)BitConverter.ToUInt64(bytes, place);
            Assert.Equal(Masked(bytes.AsSpan(place, 8)), BitConverter.ToUInt32(bytes, place + 8));
            Assert.Equal(Masked(bytes.AsSpan(place + 12, length)), BitConverter.ToUInt32(bytes, place + 12 + length));
            yield return Tensorboard.Event.Parser.ParseFrom(bytes, place + 12, length);
            place += 16 + length;
        }
    }

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }

    private async Task<string> RecipeAsync(string more = "\"loss\": { \"method\": \"none\" }")
    {
        var recipe = Path.Combine(_folder, "tiny.json");
        await File.WriteAllTextAsync(recipe, $$"""
            { "student": "deit_nano_patch4_32", {{more}}, "epochs": 2, "batch": 4, "device": "cpu", "data": { "train": "textures", "count": 8, "validationCount": 10 } }
            """);
        return recipe;
    }

    private Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(
        args, new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = _output, Error = _error });

    private string Folder(string name) => Path.Combine(_folder, name);
}
