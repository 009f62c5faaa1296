using System.Text.Json;
using SpectralKD.Tests.Models;

namespace SpectralKD.Tests.Distillation;

/// <summary>Each method's value and gradients against its official code's: values by their float64 runs at 5e-6, gradients at 2e-5 of the tensor's largest element.</summary>
public sealed class GoldenMethodsTests
{
    public static TheoryData<string, string> Cases => new(
        from file in new[] { "at", "cka_loss", "dist", "dkd", "haar_l1", "logit_standardisation", "manifold", "mse", "nkd", "projectorkd", "vitkd", "vkd" }
        where File.Exists(SharedData.Golden("kd2", file + ".json"))
        from entry in GoldenJson.Read("kd2", file + ".json").GetProperty("cases").EnumerateArray()
        select (file, entry.GetProperty("case").GetString()!));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Values_and_gradients_are_the_official_codes(string method, string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenCase(method, name);
        var values = Values(golden);

        Assert.All(values, value => golden.CheckValue(value.Key, value.Value));
        values["loss"].backward();
        golden.CheckGradients();
    }

    private static Dictionary<string, Tensor> Values(GoldenCase golden) => golden.Method switch
    {
        "at" => new() { ["loss"] = AttentionTerm.Layer(golden["student"], golden["teacher"]) },
        "cka_loss" => new() { ["loss"] = KernelAlignmentTerm.Layer(golden["student"], golden["teacher"]) },
        "haar_l1" => new() { ["loss"] = HaarTerm.Layer(golden["student"], golden["teacher"]) },
        "mse" => new() { ["loss"] = MeanSquareTerm.Layer(golden["student"], golden["teacher"]) },
        "dist" => Dist(golden),
        "dkd" => Decoupled(golden),
        "nkd" => Normalised(golden),
        "logit_standardisation" => Standardised(golden),
        "manifold" => Manifold(golden),
        "projectorkd" => Projector(golden),
        "vitkd" => ViTKd(golden),
        _ => Vkd(golden),
    };

    private static Dictionary<string, Tensor> Dist(GoldenCase golden)
    {
        var (inter, intra) = DistTerm.Parts(golden["student"], golden["teacher"], golden.Number("tau"));
        var loss = Term("dist", golden, ("tau", "tau"), ("beta", "beta"), ("gamma", "gamma"));
        return new() { ["inter"] = inter, ["intra"] = intra, ["loss"] = loss, ["total_ce_plus_2_dist"] = Labels(golden).add(loss.mul(2)) };
    }

    private static Dictionary<string, Tensor> Decoupled(GoldenCase golden)
    {
        var (target, others) = DecoupledTerm.Parts(golden["student"], golden["teacher"], golden.Labels, golden.Number("T"));
        var loss = Term("dkd", golden, ("tau", "T"), ("alpha", "alpha"), ("beta", "beta"));
        return new() { ["tckd"] = target, ["nckd"] = others, ["loss"] = loss, ["total_ce"] = Labels(golden).add(loss) };
    }

    private static Dictionary<string, Tensor> Normalised(GoldenCase golden)
    {
        var (target, others) = NormalisedTerm.Parts(golden["student"], golden["teacher"], golden.Labels, golden.Number("T"));
        var loss = Term("nkd", golden, ("tau", "T"), ("gamma", "gamma"));
        return new() { ["target_part"] = target, ["non_target_part"] = others.mul(golden.Number("gamma")), ["loss"] = loss, ["total_ce"] = Labels(golden).add(loss) };
    }

    private static Dictionary<string, Tensor> Standardised(GoldenCase golden)
    {
        if (golden.Text("kind") == "kd")
        {
            var kd = Term("kd:standardise", golden, ("tau", "T"));
            return new()
            {
                ["loss"] = kd,
                ["plain_kd"] = Term("kd", golden, ("tau", "T")),
                ["total_01ce_9kd"] = Labels(golden).mul(0.1).add(kd.mul(9)),
            };
        }

        return new() { ["loss"] = Term("dkd:standardise", golden, ("tau", "T")) };
    }

    private static Dictionary<string, Tensor> Manifold(GoldenCase golden)
    {
        var drawn = GoldenJson.Longs(golden.Entry.GetProperty("rand_indices"));
        var extra = golden.Entry.GetProperty("extra_student_tokens").GetInt64();
        var pairs = Enumerable.Range(0, 2).Select(i => (Student: golden[$"s{i}"].narrow(1, extra, golden[$"s{i}"].shape[1] - extra), Teacher: golden[$"t{i}"]))
            .Select(pair => ManifoldTerm.Parts(pair.Student, pair.Teacher, drawn)).ToList();
        var (sample, patch, rand) = (Mean(pairs.Select(pair => pair.Sample)), Mean(pairs.Select(pair => pair.Patch)), Mean(pairs.Select(pair => pair.Rand)));
        return new() { ["sample"] = sample, ["patch"] = patch, ["rand"] = rand, ["loss"] = sample.mul(0.1).add(patch.mul(4)).add(rand.mul(0.2)) };
    }

    private static Dictionary<string, Tensor> Projector(GoldenCase golden)
    {
        var pairs = Enumerable.Range(0, 2).Select(i => Pair(golden[$"s{i}"], golden[$"t{i}"])).ToList();
        using var term = new ProjectorTerm(new TermSizes(pairs, 0), train: true);
        golden.Fill(term.Module);
        var loss = term.Of(Inputs(golden, [golden["s0"], golden["s1"]], [golden["t0"], golden["t1"]]));
        loss.backward(retain_graph: true);
        golden.CheckGradients(term.Module);
        golden.CheckBuffers(term.Module);
        foreach (var map in new[] { golden["s0"], golden["s1"] })
        {
            map.grad!.zero_();
        }

        return new() { ["loss"] = loss, ["loss_feature"] = loss.mul(golden.Number("w_fft")) };
    }

    private static Dictionary<string, Tensor> ViTKd(GoldenCase golden)
    {
        var low = Enumerable.Range(0, 2).Select(i => (Student: Map(golden["low_s"].select(1, i)), Teacher: Map(golden["low_t"].select(1, i)))).ToList();
        var (own, other) = (Map(golden["high_s"]), Map(golden["high_t"]));
        using var module = new ViTKdModule(new TermSizes([.. low.Append((own, other)).Select(pair => Pair(pair.Item1, pair.Item2))], 0));
        golden.Fill(module);
        var mask = golden.Entry.GetProperty("mask").EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(place => (float)place.GetInt32()).ToArray();
        var mimicking = module.Mimicking([.. low]).mul(golden.Number("alpha"));
        var generation = module.Generation(own, other, mask).mul(golden.Number("beta") / golden.Number("lambda"));
        var loss = mimicking.add(generation);
        loss.backward(retain_graph: true);
        golden.CheckGradients(module);
        golden["low_s"].grad!.zero_();
        golden["high_s"].grad!.zero_();
        return new() { ["mimicking"] = mimicking, ["generation"] = generation, ["loss"] = loss };
    }

    private static Dictionary<string, Tensor> Vkd(GoldenCase golden)
    {
        var (projection, student) = (golden["P"], Map(golden["z_s"]));
        var repr = VkdTerm.Distance(projection, student, golden["z_t"]);
        var kl = LogitLoss.Soft(golden["student_dist"], golden["teacher"], golden.Number("T"));
        return new() { ["repr"] = repr, ["kl"] = kl, ["loss"] = repr.add(kl) };
    }

    [Fact]
    public void The_orthogonal_projector_learns_along_the_orthonormal_matrices()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenCase("vkd", "kd2.vkd.a");
        using var module = new VkdModule(new TermSizes([Pair(zeros(5, 12, 4, 4), zeros(5, 20, 4, 4))], 0));
        var matrix = module.parameters().Single();
        AssertOrthonormal(matrix);
        using (no_grad())
        {
            matrix.copy_(golden["P"]);
        }

        VkdTerm.Distance(module.Projection(0), Map(golden["z_s"]), golden["z_t"]).backward();
        golden.CheckTensor("out.P_tangent", matrix.grad!);

        using (no_grad())
        {
            matrix.add_(matrix.grad!, 30).add_(ones_like(matrix), 0.05);
        }

        module.StepBack();
        AssertOrthonormal(matrix);
    }

    [Theory]
    [InlineData("alignment:band=low", "alignment:band=high")]
    [InlineData("alignment:band=low:cutoff=0", "alignment:dc=false")]
    [InlineData("alignment:band=low:cutoff=0.25:dc=false", "alignment:band=high:cutoff=0.25", "alignment:band=low:cutoff=0")]
    public void The_parts_of_the_spectrum_add_up_to_the_whole(params string[] parts)
    {
        using var scope = NewDisposeScope();
        foreach (var (height, width) in new[] { (6, 6), (7, 5), (4, 9) })
        {
            var golden = GoldenJson.Generate("band.s", [2, 3, height, width], 4);
            var teacher = GoldenJson.Generate("band.t", [2, 7, height, width], 4);
            golden.requires_grad = true;
            var inputs = Inputs(golden, teacher);
            var whole = Of("alignment", inputs);
            whole.backward();
            var expected = golden.grad!.clone();
            golden.grad!.zero_();
            var sum = parts.Select(part => Of(part, inputs)).Aggregate((a, b) => a.add(b));
            sum.backward();
            Assert.Equal(whole.item<float>(), sum.item<float>(), 1e-5);
            Assert.True((golden.grad! - expected).abs().max().item<float>() < 1e-6);
        }
    }

    [Fact]
    public void Without_the_constant_coefficient_a_shift_of_a_channel_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (GoldenJson.Generate("shift.s", [2, 3, 6, 6], 4), GoldenJson.Generate("shift.t", [2, 3, 6, 6], 4));
        var shift = GoldenJson.Generate("shift.c", [2, 3, 1, 1], 9);
        foreach (var form in new[] { "closed-form", "fft" })
        {
            var term = $"alignment:dc=false:form={form}";
            Assert.Equal(Of(term, Inputs(student, teacher)).item<float>(), Of(term, Inputs(student + shift, teacher)).item<float>(), 1e-5);
        }
    }

    [Fact]
    public void The_weight_of_dkd_rises_over_its_warm_up()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenCase("dkd", "kd2.dkd.a.T4");
        var inputs = Inputs(golden, [], []);
        var whole = Of("dkd:warmup=0", inputs).item<float>();
        Assert.Equal(whole / 20, Of("dkd", inputs with { Epoch = 0 }).item<float>(), 1e-5 * whole);
        Assert.Equal(whole * 0.5, Of("dkd", inputs with { Epoch = 9 }).item<float>(), 1e-5 * whole);
        Assert.Equal(whole, Of("dkd", inputs with { Epoch = 30 }).item<float>(), 1e-5 * whole);
    }

    [Fact]
    public void Of_mixed_labels_dkd_and_nkd_take_the_most_likely_class()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenCase("dkd", "kd2.dkd.a.T4");
        var inputs = Inputs(golden, [], []);
        var mixed = nn.functional.one_hot(golden.Labels, 20).to(ScalarType.Float32).mul(0.7).add(0.3 / 20);
        Assert.All(new[] { "dkd", "nkd" }, loss => Assert.Equal(Of(loss, inputs).item<float>(), Of(loss, inputs with { Labels = mixed }).item<float>()));
    }

    [Fact]
    public void Random_tokens_depend_on_the_place_alone()
    {
        using var scope = NewDisposeScope();
        var inputs = Inputs(GoldenJson.Generate("m.s", [4, 3, 4, 4], 4), GoldenJson.Generate("m.t", [4, 5, 4, 4], 4)) with { Place = [1, 2, 3] };
        var first = Of("manifold:tokens=7", inputs).item<float>();
        Assert.Equal(first, Of("manifold:tokens=7", inputs).item<float>());
        Assert.NotEqual(first, Of("manifold:tokens=7", inputs with { Place = [1, 2, 4] }).item<float>());
    }

    private static Tensor Term(string loss, GoldenCase golden, params (string Argument, string Key)[] arguments)
    {
        var words = arguments.Where(argument => golden.Entry.TryGetProperty(argument.Key, out _)).Select(argument => FormattableString.Invariant($":{argument.Argument}={golden.Number(argument.Key)}"));
        return Of(loss + string.Concat(words) + (loss.StartsWith("dkd", StringComparison.Ordinal) ? ":warmup=0" : ""), Inputs(golden, [], []));
    }

    private static Tensor Of(string loss, TermInputs inputs)
    {
        var term = LossTerm.Complete(LossTerm.Parse(loss), 0.2)[1];
        using var made = LossCatalog.Find(term.Name).Make(term.Settings(), new TermSizes([], 0));
        return made.Of(inputs);
    }

    private static Tensor Labels(GoldenCase golden) => LogitLoss.Labels(golden["student"], golden.Labels);

    private static TermInputs Inputs(GoldenCase golden, Tensor[] maps, Tensor[] teacherMaps) => new()
    {
        Logits = golden.Has("student") ? golden["student"] : zeros(1, 1),
        Labels = golden.Entry.TryGetProperty("labels", out _) ? golden.Labels : zeros(1, ScalarType.Int64),
        TeacherLogits = golden.Has("teacher") ? golden["teacher"] : null,
        Maps = maps,
        TeacherMaps = teacherMaps,
    };

    private static TermInputs Inputs(Tensor student, Tensor teacher) => new() { Logits = zeros(1, 1), Labels = zeros(1, ScalarType.Int64), Maps = [student], TeacherMaps = [teacher] };

    private static LayerPair Pair(Tensor student, Tensor teacher) => new(Block(student), Block(teacher));

    private static BlockInfo Block(Tensor map) => new(0, "block", (int)map.shape[1], (int)map.shape[2], (int)map.shape[3]);

    // Tokens (B, N, C) as a square map.
    private static Tensor Map(Tensor tokens)
    {
        var side = (long)Math.Sqrt(tokens.shape[1]);
        return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], side, side);
    }

    private static Tensor Mean(IEnumerable<Tensor> values) => stack(values.ToArray()).mean();

    private static void AssertOrthonormal(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        var wide = matrix.detach().to(ScalarType.Float64);
        Assert.True((wide.t().mm(wide) - eye(wide.shape[1], dtype: ScalarType.Float64)).abs().max().item<double>() < 2e-6);
    }
}

/// <summary>One case of golden/kd2: its inputs by name, its values and gradients.</summary>
internal sealed class GoldenCase
{
    private readonly Dictionary<string, Tensor> _inputs = [];
    private readonly Dictionary<string, Tensor> _expected;

    public GoldenCase(string method, string name)
    {
        (Method, Name) = (method, name);
        Entry = GoldenJson.Read("kd2", method + ".json").GetProperty("cases").EnumerateArray().Single(entry => entry.GetProperty("case").GetString() == name);
        _expected = GoldenTensors.Read(SharedData.Golden("kd2", method + ".safetensors"));
        foreach (var input in Entry.GetProperty("tensors").EnumerateObject())
        {
            var shape = GoldenJson.Longs(input.Value.GetProperty("shape"));
            var values = input.Value.TryGetProperty("given", out _) ? _expected[$"{name}.{input.Name}"].clone()
                : tensor(GoldenValues.Generate(
                    input.Value.GetProperty("name").GetString()!, shape.Aggregate(1L, (a, b) => a * b), input.Value.GetProperty("scale").GetDouble(), input.Value.GetProperty("offset").GetDouble()), shape);
            values.requires_grad = _expected.ContainsKey($"{name}.grad.{input.Name}");
            _inputs[input.Name] = values;
        }
    }

    public string Method { get; }

    public string Name { get; }

    public JsonElement Entry { get; }

    public Tensor this[string input] => _inputs[input];

    public Tensor Labels => tensor(GoldenJson.Longs(Entry.GetProperty("labels")));

    public bool Has(string input) => _inputs.ContainsKey(input);

    public double Number(string key) => Entry.GetProperty(key).GetDouble();

    public string Text(string key) => Entry.GetProperty(key).GetString()!;

    public void CheckValue(string key, Tensor value)
    {
        var expected = Entry.GetProperty("value_f64").GetProperty(key).GetDouble();
        Assert.Equal(expected, value.item<float>(), (key == "tckd" ? 3e-4 : 5e-6) * Math.Abs(expected));
    }

    /// <summary>The gradients of the inputs.</summary>
    public void CheckGradients()
    {
        foreach (var (input, values) in _inputs.Where(input => input.Value.requires_grad && input.Value.grad is not null))
        {
            CheckTensor($"grad.{input}", values.grad!);
        }
    }

    /// <summary>Gives a module's parameters the case's values.</summary>
    public void Fill(nn.Module module)
    {
        using var guard = no_grad();
        foreach (var (name, parameter) in module.named_parameters())
        {
            Assert.Equal(_inputs[name].shape, parameter.shape);
            parameter.copy_(_inputs[name]);
        }
    }

    /// <summary>The gradients of a module's parameters.</summary>
    public void CheckGradients(nn.Module module)
    {
        foreach (var (name, parameter) in module.named_parameters())
        {
            CheckTensor($"grad.{name}", parameter.grad!);
        }
    }

    /// <summary>The running statistics after one pass.</summary>
    public void CheckBuffers(nn.Module module)
    {
        foreach (var (name, buffer) in module.named_buffers().Where(entry => !entry.name.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
        {
            var parts = name.Split('.'); // bn_student.0.running_mean
            CheckTensor($"out.{parts[2]}.{parts[0]["bn_".Length..]}.{parts[1]}", buffer);
        }
    }

    public void CheckTensor(string key, Tensor actual)
    {
        var expected = _expected[$"{Name}.{key}"];
        Assert.Equal(expected.shape, actual.shape);
        var tolerance = Math.Max(2e-5 * expected.abs().max().item<float>(), 1e-7);
        Assert.True((expected - actual).abs().max().item<float>() <= tolerance, key);
    }
}
