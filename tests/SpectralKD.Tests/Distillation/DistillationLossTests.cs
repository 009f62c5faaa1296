using System.Text.Json;

namespace SpectralKD.Tests.Distillation;

public sealed class DistillationLossTests
{
    private static readonly JsonElement Golden = GoldenJson.Read("loss", "kd.json");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Terms_and_gradient_are_the_references(int index)
    {
        using var scope = NewDisposeScope();
        var expected = Golden.GetProperty("cases")[index];
        var logits = Logits("student");
        logits.requires_grad = true;
        var terms = Terms(Weights(expected), logits, tensor(GoldenJson.Longs(Golden.GetProperty("labels"))), Maps("s", "student"), Logits("teacher"), Maps("t", "teacher"));
        var total = terms.Terms.Total();
        total.backward();

        var values = terms.Names.Read(terms.Terms.Stacked());
        Assert.Equal(Number(expected, "loss_base") ?? Number(expected, "loss")!.Value, values.Labels, 2e-6);
        Close(Number(expected, "loss_fft"), values.Alignment);
        Close(Number(expected, "loss_dist"), values.Logits);
        Assert.Equal(Number(expected, "total")!.Value, total.item<float>(), 3e-6);
        Assert.Equal(Number(expected, "grad_logits_l2")!.Value, GoldenJson.Norm(logits.grad!), 1e-6);
        var first = logits.grad!.reshape(-1).narrow(0, 0, 8).data<float>().ToArray();
        Assert.All(GoldenJson.Doubles(expected.GetProperty("grad_logits_first8")).Zip(first), pair => Assert.Equal(pair.First, pair.Second, 1e-7));
    }

    [Fact]
    public void Probabilities_are_taken_for_labels()
    {
        using var scope = NewDisposeScope();
        var logits = Logits("student");
        var labels = tensor(GoldenJson.Longs(Golden.GetProperty("labels")));
        var asProbabilities = nn.functional.one_hot(labels, 50).to(ScalarType.Float32);
        Assert.Equal(LogitLoss.Labels(logits, labels, 0.1).item<float>(), LogitLoss.Labels(logits, asProbabilities, 0.1).item<float>(), 1e-5);
    }

    [Fact]
    public void Logits_of_other_classes_are_explained()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<SpectralKDException>(() => LogitLoss.Soft(zeros(2, 10), zeros(2, 1000)));
        Assert.Contains("[2, 10]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 1000]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_soft_loss_without_teacher_is_an_error()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<SpectralKDException>(() => Terms(new LossWeights(), zeros(2, 3), zeros(2, ScalarType.Int64), [], null, []));
    }

    [Fact]
    public void Terms_that_are_not_finite_say_so()
    {
        Assert.False(new LossValues(double.NaN, null, null).IsFinite);
        Assert.False(new LossValues(1, double.PositiveInfinity, 2).IsFinite);
        Assert.Equal("labels 0.5, KD 0.25", new LossValues(0.5, null, 0.25).ToString());
    }

    private static (WeighedTerms Terms, TermNames Names) Terms(
        LossWeights weights, Tensor logits, Tensor labels, List<Tensor> maps, Tensor? teacherLogits, List<Tensor> teacherMaps)
    {
        using var student = SmallRun.Student(); // the golden maps are none of a model's, so that the plan is made by hand
        var pairs = Enumerable.Range(0, maps.Count).Select(i => new LayerPair(Block(i, maps[i]), Block(i, teacherMaps[i]))).ToList();
        var plan = new LossPlan([.. weights.AsTerms(pairs.Count > 0).Select(term => new PlannedTerm(
            term.Name, LossCatalog.Find(term.Name), term.Weight!.Value, term.Settings(), term.Name == "alignment" ? pairs : []))]);
        using var loss = new StepLoss(plan, student);
        return (loss.Of(new ModelOutput(logits, [.. maps.Select((map, i) => new FeatureMap(i, map))]), labels, new TeacherAnswer(teacherLogits, teacherMaps)), loss.Names);
    }

    private static BlockInfo Block(int index, Tensor map) => new(index, "block", (int)map.shape[1], (int)map.shape[2], (int)map.shape[3]);

    private static LossWeights Weights(JsonElement expected) => new()
    {
        Method = Enum.Parse<DistillationMethod>(expected.GetProperty("type").GetString()!, ignoreCase: true),
        Alpha = expected.GetProperty("alpha").GetDouble(),
        Beta = expected.GetProperty("beta").GetDouble(),
        WFft = expected.GetProperty("w_fft").GetDouble(),
        Tau = expected.GetProperty("tau").GetDouble(),
        Smoothing = expected.GetProperty("base").GetString() == "cross_entropy" ? 0 : 0.1,
    };

    private static Tensor Logits(string of) => GoldenJson.Generate(
        Golden.GetProperty(of).GetString()!, GoldenJson.Longs(Golden.GetProperty("shape")), Golden.GetProperty("scale").GetDouble());

    private static List<Tensor> Maps(string letter, string of)
    {
        var shapes = Golden.GetProperty("feature_shapes");
        return [.. Enumerable.Range(0, 2).Select(i => GoldenJson.Generate(
            $"kd.p.{letter}{i}", GoldenJson.Longs(shapes.GetProperty(of)), shapes.GetProperty("scale").GetDouble()))];
    }

    private static double? Number(JsonElement entry, string name) => entry.TryGetProperty(name, out var number) ? number.GetDouble() : null;

    private static void Close(double? expected, double? actual)
    {
        Assert.Equal(expected is null, actual is null);
        Assert.Equal(expected ?? 0, actual ?? 0, 3e-6);
    }
}
