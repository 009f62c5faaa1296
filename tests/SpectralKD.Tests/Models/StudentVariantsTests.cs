using System.Text.Json;
using SpectralKD.Tests.Distillation;

namespace SpectralKD.Tests.Models;

/// <summary>Lift and WideLast against their authors' code: outputs, maps, and the loss of their recipes with its gradients.</summary>
public sealed class StudentVariantsTests
{
    public static TheoryData<string> Cases => [.. SharedData.GoldenCases("students2")];

    public static TheoryData<string, string> Losses => new(from name in SharedData.GoldenCases("students2") from loss in new[] { "fft", "mse" } select (name, loss));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_and_maps_are_the_authors_and_the_parameters_are_counted(string name)
    {
        using var scope = NewDisposeScope();
        var (config, expected) = Read(name);
        using var model = Create(name);
        model.eval();
        using var guard = no_grad();
        using var output = model.ForwardIntermediates(Input(4), null);
        Near(expected["logits"], output.Logits, "logits");
        Near(expected["logits"], model.forward(Input(4)), "logits without maps");
        Assert.Equal(GoldenJson.Ints(config.GetProperty("layer_dims")).TakeLast(3), model.Blocks.Select(block => block.Channels));
        Assert.All(output.Maps, map => Near(expected[$"block.{map.Block}"], map.Values, $"block {map.Block}"));
        Assert.Equal(config.GetProperty("block_shapes").EnumerateArray().Select(GoldenJson.Longs), output.Maps.Select(map => map.Values.shape));

        using var low = model.ForwardIntermediates(Input(0.04), [-1]);
        Near(expected["lowvar.logits"], low.Logits, "logits of low variance");
        Near(expected["lowvar.block.2"], low.Maps.Single().Values, "last block of low variance");

        Assert.Equal(config.GetProperty("params").GetInt64(), model.Spec.Count().Parameters);
        Assert.Equal(model.parameters().Sum(parameter => parameter.numel()), model.Spec.Count().Parameters);
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void Their_recipes_loss_and_its_gradients_are_the_authors(string name, string loss)
    {
        using var scope = NewDisposeScope();
        var (config, expected) = Read(name);
        var settings = config.GetProperty("loss");
        using var model = Create(name);
        model.train();
        var block = model.Blocks[settings.GetProperty("student_layer").GetInt32()];
        var teacherMap = Generate(settings.GetProperty("teacher_map"));
        var pair = new LayerPair(block, new BlockInfo(0, "", (int)teacherMap.shape[1], (int)teacherMap.shape[2], (int)teacherMap.shape[3]));
        var feature = loss == "fft" ? "alignment" : "mse";
        var terms = LossTerm.Complete(LossTerm.Parse($"labels:weight={1 - 0.9:R},{feature},kd"), 0.2);
        using var step = new StepLoss(new LossPlan([.. terms.Select(term => new PlannedTerm(term.Name, LossCatalog.Find(term.Name), term.Weight!.Value, term.Settings(), term.Name == feature ? [pair] : []))]), model);

        var values = step.Of(
            model.ForwardIntermediates(Input(4), [block.Index]), tensor(GoldenJson.Longs(settings.GetProperty("labels"))), new TeacherAnswer(Generate(settings.GetProperty("teacher_logits")), [teacherMap]));
        values.Total().backward();

        var exact = settings.GetProperty(loss).GetProperty("value_f64");
        foreach (var (key, value) in new[] { "loss_base", "loss_feature", "loss_dist" }.Zip(values.Values))
        {
            Assert.Equal(exact.GetProperty(key).GetDouble(), value.item<float>(), 1e-5 * exact.GetProperty(key).GetDouble());
        }

        var norms = settings.GetProperty(loss).GetProperty("grad_l2");
        foreach (var (key, parameter) in model.named_parameters())
        {
            if (!norms.TryGetProperty(key, out var norm) || norm.ValueKind == JsonValueKind.Null)
            {
                Assert.True(parameter.grad is null, key); // the lifted model's own norm and head
                continue;
            }

            Assert.Equal(norm.GetDouble(), GoldenJson.Norm(parameter.grad!), (norm.GetDouble() * 1e-4) + 1e-6);
            if (expected.TryGetValue($"grad.{loss}.{key}", out var gradient))
            {
                Assert.True((gradient - parameter.grad!).abs().max().item<float>() <= 2e-5 * gradient.abs().max().item<float>() + 1e-7, key);
            }
        }
    }

    [Theory]
    [InlineData(LiftGrowth.Step, new[] { 24, 24, 24, 24, 48 })]
    [InlineData(LiftGrowth.Linear, new[] { 24, 24, 32, 40, 48 })]
    [InlineData(LiftGrowth.Exponential, new[] { 24, 24, 30, 38, 48 })]
    public void Lifted_widths_grow_as_asked(LiftGrowth growth, int[] widths)
    {
        var spec = new LiftSpec { Name = "lift", ImageSize = 16, PatchSize = 4, EmbedDim = 24, Depth = 5, Heads = 3, Target = 48, Start = 2, Growth = growth };
        Assert.Equal(widths, spec.ListBlocks().Select(block => block.Channels));
        Assert.Throws<SpectralKDException>(() => (spec with { Start = 5 }).Check());
    }

    [Theory]
    [InlineData("deit_nano_lift_patch4_32", "alignment,kd:weight=0.9")]
    [InlineData("deit_nano_widelast_patch4_32", "mse,vitkd,kd")]
    public async Task They_train_from_the_catalogue(string student, string losses)
    {
        using var folder = new Weights.TemporaryFolder();
        var recipe = new DistillationRecipe
        {
            Student = student,
            Teacher = "cait_nano_patch4_32",
            TeacherWeights = "seeded:3",
            Losses = LossTerm.Parse(losses),
            StudentLayers = [-1],
            TeacherLayers = [-1],
            Data = new RecipeData { Train = "textures", Count = 40, ValidationCount = 10 },
            Epochs = 1,
            Batch = 20,
            Device = "cpu",
        };
        var run = await Distiller.RunAsync(recipe, folder.File("run"));
        Assert.True(run.Finished);
        Assert.True(double.IsFinite(run.Epochs.Single().Loss));
        using var again = ModelLoader.Load(student, new ModelLoadOptions { Weights = run.BestWeights!, Classes = 10 });
        Assert.Equal(48, again.Blocks[^1].Channels);
    }

    [Fact]
    public async Task A_lifted_student_has_no_final_norm_for_those_who_ask_it()
    {
        using var student = ModelCatalog.Create(new LiftSpec { Name = "lift", ImageSize = 16, PatchSize = 4, EmbedDim = 24, Depth = 4, Heads = 3, Target = 32, Classes = 4 });
        using var teacher = SmallRun.Teacher();
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => Distiller.RunAsync(
            student, teacher, new FormulaData(), SmallRun.Recipe with { Losses = LossTerm.Parse("vkd"), StudentLayers = null, TeacherLayers = null }));
        Assert.StartsWith("the loss vkd takes the tokens after the final norm, and lift has none over those of block 3", error.Message, StringComparison.Ordinal);
    }

    private static VisionModel Create(string name)
    {
        var (config, _) = Read(name);
        var kwargs = config.GetProperty("kwargs");
        ModelSpec spec = config.GetProperty("kind").GetString() == "lift"
            ? new LiftSpec
            {
                Name = name,
                ImageSize = kwargs.GetProperty("img_size").GetInt32(),
                PatchSize = kwargs.GetProperty("patch_size").GetInt32(),
                EmbedDim = kwargs.GetProperty("embed_dim").GetInt32(),
                Depth = kwargs.GetProperty("depth").GetInt32(),
                Heads = kwargs.GetProperty("num_heads").GetInt32(),
                Classes = kwargs.GetProperty("num_classes").GetInt32(),
                Target = config.GetProperty("lift").GetProperty("target").GetInt32(),
                Start = config.GetProperty("lift").GetProperty("start").GetInt32(),
            }
            : new WideLastSpec
            {
                Name = name,
                ImageSize = kwargs.GetProperty("img_size").GetInt32(),
                PatchSize = kwargs.GetProperty("patch_size").GetInt32(),
                EmbedDim = GoldenJson.Ints(kwargs.GetProperty("layer_dims"))[0],
                Depth = GoldenJson.Ints(kwargs.GetProperty("layer_dims")).Length,
                Heads = GoldenJson.Ints(kwargs.GetProperty("layer_heads"))[0],
                LastDim = GoldenJson.Ints(kwargs.GetProperty("layer_dims"))[^1],
                LastHeads = GoldenJson.Ints(kwargs.GetProperty("layer_heads"))[^1],
                Classes = kwargs.GetProperty("num_classes").GetInt32(),
            };
        var model = ModelCatalog.Create(spec, seed: null);
        var weights = GoldenTensors.Read(SharedData.Golden("students2", name, "weights.safetensors"));
        Assert.Equal(weights.Keys.Order(StringComparer.Ordinal), model.named_parameters().Select(entry => entry.name).Order(StringComparer.Ordinal));
        using var guard = no_grad();
        foreach (var (key, parameter) in model.named_parameters())
        {
            Assert.Equal(weights[key].shape, parameter.shape);
            parameter.copy_(weights[key]);
        }

        return model;
    }

    private static (JsonElement Config, Dictionary<string, Tensor> Expected) Read(string name) =>
        (GoldenJson.Read("students2", name, "config.json"), GoldenTensors.Read(SharedData.Golden("students2", name, "expected.safetensors")));

    private static Tensor Input(double scale) => GoldenJson.Generate("input", [3, 3, 64, 64], scale);

    private static Tensor Generate(JsonElement entry) => GoldenJson.Generate(entry.GetProperty("name").GetString()!, GoldenJson.Longs(entry.GetProperty("shape")), entry.GetProperty("scale").GetDouble());

    private static void Near(Tensor expected, Tensor actual, string what) =>
        Assert.True((expected - actual).abs().max().item<float>() < (what.Contains("block", StringComparison.Ordinal) ? 5e-5 : 3e-5), what);
}
