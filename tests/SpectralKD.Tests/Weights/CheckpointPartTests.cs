namespace SpectralKD.Tests.Weights;

/// <summary>Where the weights lie in what training scripts save: found by what fits, and said.</summary>
public sealed class CheckpointPartTests : IDisposable
{
    private const string Anchor = "patch_embed.proj.weight";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("model", "", "weights taken from 'model'")]
    [InlineData("state_dict", "", "weights taken from 'state_dict'")]
    [InlineData("model_state_dict", "", "weights taken from 'model_state_dict'")]
    [InlineData("module", "", "weights taken from 'module'")]
    [InlineData("teacher", "module.backbone.", "weights taken from 'teacher', keys without 'module.backbone.'")]
    [InlineData("state_dict", "model.", "weights taken from 'state_dict', keys without 'model.'")]
    [InlineData("anything", "my.net.", "weights taken from 'anything', keys without 'my.net.'")]
    [InlineData("state_dict", "module.", "weights taken from 'state_dict'")]
    [InlineData("state_dict_ema", "", "weights taken from 'state_dict_ema' (averaged)")]
    public void Weights_are_found_wherever_they_lie(string nest, string prefix, string expected)
    {
        using var file = WeightsFile.Open(Saved((nest, prefix, 1)));
        Assert.Equal(expected, Assert.Single(file.Notes));
        Assert.Equal(1, Value(file, prefix == "module." ? prefix : ""));
    }

    [Fact]
    public void Weights_at_the_top_need_no_word()
    {
        using var file = WeightsFile.Open(Saved(("", "", 1)));
        Assert.Empty(file.Notes);
    }

    [Fact]
    public void Weights_in_a_dictionary_of_a_dictionary_and_in_a_list_are_found()
    {
        var inner = new PickleBuilder().EmptyDict().Text("net").Op(']').Raw(State("", 3)).Op('a').SetItem();
        var path = Write(new PickleBuilder().EmptyDict().Text("checkpoint").Raw(inner.Stop()[..^1]).SetItem().Stop());
        using var file = WeightsFile.Open(path);
        Assert.Equal("weights taken from 'checkpoint.net.0'", Assert.Single(file.Notes));
        Assert.Equal(3, Value(file));
    }

    [Fact]
    public void Tensors_beside_the_chosen_ones_are_said()
    {
        using var file = WeightsFile.Open(Write(PickleBuilder.StateDict(
            ("backbone." + Anchor, PickleBuilder.Tensor("0", 8, 1, [1], [1])), ("loss.center", PickleBuilder.Tensor("0", 8, 2, [1], [1])))));
        Assert.Equal(["weights taken from keys without 'backbone.'", "1 tensor of other parts not used (loss.center)"], file.Notes);
        Assert.Equal(1, Value(file));
    }

    [Fact]
    public void An_unknown_part_says_what_there_is()
    {
        var path = Saved(("student", "", 1), ("teacher", "", 2));
        Assert.Contains("it holds no part 'ema2'; it has: student, teacher",
            Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path, part: "ema2")).Message, StringComparison.Ordinal);
        using var student = WeightsFile.Open(path, part: "student");
        Assert.Equal(1, Value(student));
        Assert.Contains("write #teacher after its path", Assert.Single(student.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Averaged_weights_alone_are_taken_and_plain_ones_asked_for_hint_at_them()
    {
        var path = Saved(("state_dict_ema", "", 1));
        Assert.Contains("it holds averaged weights only ('state_dict_ema'); take them by '#ema'",
            Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path, part: "plain")).Message, StringComparison.Ordinal);
        using var file = WeightsFile.Open(path, ema: true);
        Assert.Equal(1, Value(file));
    }

    [Fact]
    public void Safetensors_without_averaged_weights_say_so()
    {
        var path = folder.File("plain.safetensors");
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { [Anchor] = zeros(1) });
        Assert.Contains($"it holds no averaged weights (model_ema or state_dict_ema); it has: {Anchor}",
            Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path, ema: true)).Message, StringComparison.Ordinal);
        Assert.Contains("holds no averaged weights",
            Assert.Throws<SpectralKDException>(() => ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Weights = path + "#ema" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Safetensors_with_prefixes_are_read_as_checkpoints_are()
    {
        var path = folder.File("both.safetensors");
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["model." + Anchor] = ones(1), ["model_ema." + Anchor] = full([1], 2f), ["loss.w"] = zeros(1) });
        using var averaged = WeightsFile.Open(path);
        using var plain = WeightsFile.Open(path, part: "plain");
        Assert.Equal(2, Value(averaged));
        Assert.Equal(1, Value(plain));
        Assert.Equal(
            ["weights taken from keys without 'model.'; the file has keys without 'model_ema.' too: write #ema after its path for that", "1 tensor of other parts not used (loss.w)"],
            plain.Notes);
    }

    [Theory]
    [InlineData("deit_nano_patch4_32", "student")]
    [InlineData("cait_nano_patch4_32", "teacher")]
    public void Of_a_student_and_a_teacher_the_one_that_fits_the_model_is_taken(string name, string expected)
    {
        using var scope = NewDisposeScope();
        var path = folder.File("both.safetensors");
        using var student = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        using var teacher = ModelCatalog.Create("cait_nano_patch4_32", seed: 2);
        SafetensorsWriter.Write(path, student.state_dict().Select(pair => ("student." + pair.Key, pair.Value))
            .Concat(teacher.state_dict().Select(pair => ("teacher." + pair.Key, pair.Value))).ToDictionary(pair => pair.Item1, pair => pair.Value));
        using var model = ModelLoader.Load(name, new ModelLoadOptions { Weights = path, Device = CPU });
        Assert.StartsWith($"weights taken from keys without '{expected}.'", model.Origin.Notes[0], StringComparison.Ordinal);
        var key = $"{Anchor}";
        Assert.True(model.state_dict()[key].Equals((expected == "student" ? student : teacher).state_dict()[key]));
    }

    [Theory]
    [InlineData(null, "ema_model", 2)]
    [InlineData("plain", "plain", 1)]
    [InlineData("ema", "ema_model", 2)]
    public void Plain_keys_and_averaged_ones_with_a_prefix_in_one_dictionary_are_each_to_be_had(string? part, string taken, int seed)
    {
        using var scope = NewDisposeScope();
        using var one = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        using var two = ModelCatalog.Create("deit_nano_patch4_32", seed: 2);
        var all = one.state_dict().Concat(two.state_dict().Select(pair => KeyValuePair.Create("ema_model." + pair.Key, pair.Value))).ToDictionary();
        string[] paths = [folder.File("both.safetensors"), folder.File("both.pth")];
        SafetensorsWriter.Write(paths[0], all);
        File.WriteAllBytes(paths[1], Checkpoint(all));
        foreach (var path in paths)
        {
            using var model = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = path + (part is null ? "" : "#" + part), Device = CPU });
            var nest = path.EndsWith(".pth", StringComparison.Ordinal) ? "'state_dict'" : null;
            var (plain, averaged) = (nest ?? "plain keys", nest is null ? "keys without 'ema_model.'" : $"{nest}, keys without 'ema_model.'");
            Assert.Equal(
                taken == "plain" ? $"weights taken from {nest ?? "the file's top"}; the file has {averaged} too: write #ema after its path for that"
                    : $"weights taken from {averaged} (averaged); the file has {plain} too: write #plain after its path for that",
                Assert.Single(model.Origin.Notes));
            Assert.True(model.state_dict()["blocks.0.attn.qkv.weight"].Equals((seed == 1 ? one : two).state_dict()["blocks.0.attn.qkv.weight"]));
        }
    }

    [Fact]
    public void A_part_leaves_out_the_keys_of_a_longer_prefix_and_says_a_word_that_chooses_them()
    {
        var path = folder.File("teacher.safetensors");
        using var scope = NewDisposeScope();
        using var student = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        SafetensorsWriter.Write(path, student.state_dict().Append(KeyValuePair.Create("teacher." + Anchor, zeros(1))).ToDictionary());
        using var model = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = path, Device = CPU });
        Assert.Equal("weights taken from the file's top; the file has keys without 'teacher.' too: write #teacher after its path for that", Assert.Single(model.Origin.Notes));

        var both = Saved(("state_dict", "", 1), ("state_dict", "net.", 2), ("state_dict", "net.teacher.", 3));
        foreach (var (part, value, advice) in (IEnumerable<(string?, int, string)>)[(null, 1, "net"), ("net", 2, "state_dict"), ("net.teacher", 3, "state_dict")])
        {
            using var file = WeightsFile.Open(both, part: part);
            Assert.Equal([Anchor], file.Tensors.Keys);
            Assert.Equal(value, Value(file));
            Assert.EndsWith($" too: write #{advice} after its path for that", Assert.Single(file.Notes), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Too_many_sets_of_weights_are_refused_with_the_file_s_name_and_the_file_is_closed()
    {
        using var scope = NewDisposeScope();
        var path = folder.File("many.safetensors");
        var tensors = Enumerable.Range(0, 101).ToDictionary(i => $"m{i}.{Anchor}", _ => zeros(1));
        SafetensorsWriter.Write(path, tensors);
        var expected = $"cannot take weights from '{path}': it holds more than 100 sets of weights; save the one that is meant";
        Assert.Equal(expected, Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path)).Message);

        using var source = new Closed(SafetensorsFile.Open(path));
        Assert.Equal(expected, Assert.Throws<SpectralKDException>(() => SourcePart.Choose(source, null, null)).Message);
        Assert.True(source.IsClosed);
    }

    [Fact]
    public void A_model_remembers_which_part_of_a_file_was_asked_for()
    {
        using var scope = NewDisposeScope();
        var path = folder.File("both.safetensors");
        using var one = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        using var two = ModelCatalog.Create("deit_nano_patch4_32", seed: 2);
        SafetensorsWriter.Write(path, one.state_dict().Select(pair => ("model." + pair.Key, pair.Value))
            .Concat(two.state_dict().Select(pair => ("model_ema." + pair.Key, pair.Value))).ToDictionary(pair => pair.Item1, pair => pair.Value));
        using var plain = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = path + "#plain", Device = CPU });
        using var again = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = plain.Origin.Source!, Device = CPU });
        Assert.Equal((path + "#plain", path + "#plain"), (plain.Origin.Name, plain.Origin.Source));
        Assert.True(plain.state_dict()[Anchor].Equals(one.state_dict()[Anchor]));
        Assert.True(again.state_dict()[Anchor].Equals(one.state_dict()[Anchor]));
    }

    [Theory]
    [InlineData("a.pth#ema", "a.pth", true, null)]
    [InlineData("a.pth#EMA", "a.pth", true, null)]
    [InlineData("a.pth#plain", "a.pth", false, "plain")]
    [InlineData("a.pth#student", "a.pth", false, "student")]
    [InlineData("runs/#1/a.pth", "runs/#1/a.pth", false, null)]
    public void A_part_is_written_after_the_path(string text, string path, bool ema, string? part)
    {
        var source = WeightSource.Parse(text);
        Assert.Equal(new WeightSource.LocalFile(path, ema, part), source);
        Assert.Equal(source, WeightSource.Parse(source.ToString()!));
    }

    private sealed class Closed(ITensorSource file) : ITensorSource
    {
        public bool IsClosed { get; private set; }

        public string Name => file.Name;

        public string? FilePath => file.FilePath;

        public IReadOnlyDictionary<string, TensorInfo> Tensors => file.Tensors;

        public Tensor Read(string key) => file.Read(key);

        public void ReadInto(string key, Tensor destination) => file.ReadInto(key, destination);

        public void Dispose()
        {
            IsClosed = true;
            file.Dispose();
        }
    }

    // {'state_dict': …} with float32 tensors, each in a storage of its own.
    private static byte[] Checkpoint(Dictionary<string, Tensor> tensors)
    {
        var entries = tensors.Select((pair, i) => (pair.Key, pair.Value, Name: FormattableString.Invariant($"{i}"))).ToList();
        var pickle = new PickleBuilder().EmptyDict().Text("state_dict").Raw(PickleBuilder.Dict([.. entries.Select(entry => (entry.Key, PickleBuilder.Tensor(
            entry.Name, (int)entry.Value.numel(), 0, [.. entry.Value.shape.Select(size => (int)size)], [.. entry.Value.contiguous().stride().Select(size => (int)size)])))])).SetItem();
        return TorchArchiveBytes.Zip([("a/data.pkl", pickle.Stop()), .. entries.Select(entry => ($"a/data/{entry.Name}", entry.Value.contiguous().bytes.ToArray()))]);
    }

    private string Saved(params (string Nest, string Prefix, int Value)[] parts)
    {
        var builder = new PickleBuilder().EmptyDict();
        foreach (var nest in parts.GroupBy(part => part.Nest))
        {
            var tensors = nest.Select(part => (part.Prefix + Anchor, PickleBuilder.Tensor("0", 8, part.Value, [1], [1]))).ToArray();
            if (nest.Key.Length == 0)
            {
                return Write(PickleBuilder.StateDict(tensors));
            }

            builder.Text(nest.Key).Raw(PickleBuilder.Dict(tensors)).SetItem();
        }

        return Write(builder.Stop());
    }

    private static byte[] State(string prefix, int value) => PickleBuilder.Dict((prefix + Anchor, PickleBuilder.Tensor("0", 8, value, [1], [1])));

    private string Write(byte[] pickle) => folder.Write($"{Guid.NewGuid():N}.pth", TorchArchiveBytes.Zip(
        ("a/data.pkl", pickle), ("a/data/0", [.. Enumerable.Range(0, 8).SelectMany(i => BitConverter.GetBytes((float)i))])));

    private static float Value(ITensorSource file, string prefix = "")
    {
        using var tensor = file.Read(prefix + Anchor);
        return tensor.item<float>();
    }
}
