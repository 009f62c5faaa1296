using SpectralKD.Tests.Distillation;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Models;

/// <summary>A module of the user's own is analysed, selected from and distilled as the models of the catalogue are.</summary>
[Collection(TorchGenerator.Name)]
public sealed class OwnModelTests
{
    [Fact]
    public void Named_submodules_give_the_maps_and_keep_the_names_of_their_parameters()
    {
        using var model = VisionModel.From(Convolutional(), 32, ["stem", "stages.0", "stages.1"], new OwnModelOptions { Name = "tiny-net" });
        Assert.Equal(
            [new BlockInfo(0, "stem", 6, 16, 16), new BlockInfo(1, "stages.0", 8, 8, 8), new BlockInfo(2, "stages.1", 10, 4, 4)],
            model.Blocks);
        Assert.Equal("tiny-net", model.Spec.Name);
        Assert.Equal(4, model.Spec.Classes);
        Assert.Contains("stages.1.bias", model.state_dict().Keys);
        Assert.Contains("norm.running_mean", model.state_dict().Keys);
        Assert.Equal(model.parameters().Sum(parameter => parameter.NumberOfElements), model.Spec.Count().Parameters);
        var card = ModelCard.Of(model);
        Assert.Equal(0, card.Figures.MultiplyAdds);
        Assert.Equal((10 * 8 * 9) + 10, card.Figures.Blocks[2].Parameters);
    }

    [Fact]
    public void A_map_is_what_the_submodule_gave_even_where_the_module_writes_over_it_afterwards()
    {
        var net = Convolutional();
        using var model = VisionModel.From(net, 32, ["stages.0"]);
        model.eval();
        using var images = Images(3);
        using var output = model.ForwardIntermediates(images, null);
        using var expected = net.After(net.Normed(images));
        Assert.True(output.Maps.Single().Values.allclose(expected, 0, 0)); // the ReLU after it works in place
        Assert.True(output.Maps.Single().Values.min().item<float>() < 0);
        Assert.True(output.Logits.allclose(model.forward(images), 0, 0));
    }

    [Fact]
    public void Tokens_are_a_grid_that_is_named_or_a_square_that_is_told()
    {
        using var named = VisionModel.From(new TokenNet(1), 32, [new MapTap("mix", Height: 4, Width: 4, Prefix: 1)]);
        Assert.Equal(new BlockInfo(0, "mix", 12, 4, 4), named.Blocks.Single());
        Assert.Empty(named.Origin.Notes);
        using var guessed = VisionModel.From(new TokenNet(0), 32, ["mix"]);
        Assert.Equal(["mix: 16 tokens taken as 4 x 4, row by row"], guessed.Origin.Notes);
        guessed.eval();
        using var images = Images(2);
        using var map = guessed.ForwardIntermediates(images, null).Maps.Single().Values;
        using var tokens = ((TokenNet)guessed.named_children().Single().module).Tokens(images);
        Assert.Equal(tokens[1, 6, 3].item<float>(), map[1, 3, 1, 2].item<float>());
    }

    [Fact]
    public void A_function_gives_maps_of_any_layout()
    {
        var net = Convolutional();
        using var model = VisionModel.From(net, 32, images =>
        {
            var stem = net.Stem(images);
            return (net.forward(images), [stem.permute(0, 2, 3, 1), net.After(stem)]);
        }, [new MapTap("early", ChannelsLast: true), "late"]);
        Assert.Equal([new BlockInfo(0, "early", 6, 16, 16), new BlockInfo(1, "late", 8, 8, 8)], model.Blocks);
        var spectrum = SpectralAnalysis.Run(model, Textures.Create(5, 32), new SpectralOptions { Domain = SpectralDomain.Both });
        Assert.All(spectrum.Intensities, intensity => Assert.True(intensity > 0));
        using var unnamed = VisionModel.From(Convolutional(), 32, images => (zeros(images.shape[0], 4), [images.Times(2)]));
        Assert.Equal(new BlockInfo(0, "maps.0", 3, 32, 32), unnamed.Blocks.Single());
    }

    [Fact]
    public void Its_weights_are_saved_and_loaded_with_its_running_statistics()
    {
        using var folder = new TemporaryFolder();
        using var model = VisionModel.From(Convolutional(seed: 1), 32, ["stem"]);
        model.train();
        using (var images = Images(4))
        {
            model.forward(images).Dispose();
        }

        ModelLoader.Save(model, folder.File("own.safetensors"));
        using var again = VisionModel.From(Convolutional(seed: 2), 32, ["stem"]);
        Assert.NotEqual(WeightHash.Of(model), WeightHash.Of(again));
        using var weights = WeightsFile.Open(folder.File("own.safetensors"));
        WeightLoader.Load(again, weights);
        Assert.Equal(WeightHash.Of(model), WeightHash.Of(again));
        Assert.Equal(WeightsKind.File, again.Origin.Kind);
    }

    [Fact]
    public async Task It_is_distilled_and_a_stopped_run_goes_on_to_the_same_weights_and_statistics()
    {
        using var folder = new TemporaryFolder();
        var recipe = SmallRun.Recipe with { StudentLayers = [1], TeacherLayers = [3] };
        using var whole = Student(1);
        Assert.True((await SmallRun.RunAsync(whole, recipe, folder.File("whole"))).Finished);

        using var begun = Student(1);
        using var stop = new CancellationTokenSource();
        await SmallRun.RunAsync(begun, recipe, folder.File("run"), progress: new StopAfter(7, stop), stop: stop.Token);
        using var resumed = Student(3);
        Assert.True((await SmallRun.RunAsync(resumed, recipe, folder.File("run"), resume: true)).Finished);
        Assert.Equal(WeightHash.Of(whole), WeightHash.Of(resumed));

        using var average = WeightsFile.Open(folder.File("run/best.safetensors"));
        Assert.Contains("norm.running_mean", average.Tensors.Keys);
        Assert.NotEqual(0f, average.Read("norm.running_mean").abs().sum().item<float>());
    }

    [Fact]
    public void Statistics_and_bfloat16_training_do_not_go_together()
    {
        using var student = Student(1);
        var error = Assert.Throws<SpectralKDException>(() => SmallRun.RunAsync(student, SmallRun.Recipe with
        {
            StudentLayers = [1],
            TeacherLayers = [3],
            Precision = TrainingPrecision.Bf16,
        }).GetAwaiter().GetResult());
        Assert.Contains("running statistics (BatchNorm)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stem", "stage.0", "has no submodule 'stage.0'; did you mean stages.0?")]
    [InlineData("stem", "stem", "the tap 'stem' is named 2 times")]
    [InlineData("stem", "silent", "the submodule 'silent' was not heard in the forward pass: hooks hear module.call(x), not module.forward(x)")]
    [InlineData("stem", "twice", "the submodule 'twice' ran 2 times in one forward pass")]
    [InlineData("stem", "head", "'head' gives [2, 4]: a map is [B, C, H, W]")]
    public void A_tap_that_gives_no_map_is_refused_in_one_line(string first, string second, string expected)
    {
        using var net = Convolutional();
        var training = net.training;
        var error = Assert.Throws<SpectralKDException>(() => VisionModel.From(net, 32, [first, second]));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(training, net.training);
    }

    [Fact]
    public void Wrong_shapes_are_refused_with_what_to_do()
    {
        Assert.Contains("15 tokens are no square grid", Message(() => VisionModel.From(new TokenNet(2), 32, [new MapTap("mix", Prefix: 3)])), StringComparison.Ordinal);
        Assert.Contains("do not fill 4 x 4", Message(() => VisionModel.From(new TokenNet(1), 32, [new MapTap("mix", Height: 4, Width: 4)])), StringComparison.Ordinal);
        Assert.Contains("a map [B, C, H, W] of 16 x 16 has no other grid", Message(() => VisionModel.From(Convolutional(), 32, [new MapTap("stem", Height: 7, Width: 7)])), StringComparison.Ordinal);
        Assert.Contains("no tokens before it: leave Height, Width and Prefix out", Message(() => VisionModel.From(Convolutional(), 32, [new MapTap("stem", Prefix: 1)])), StringComparison.Ordinal);
        Assert.Contains("gave logits of [2, 6, 16, 16]", Message(() => VisionModel.From((nn.Module<Tensor, Tensor>)Convolutional().named_modules().First(entry => entry.name == "stem").module, 32, i => (nn.functional.conv2d(i, zeros(6, 3, 1, 1), strides: [2, 2]), [i]))), StringComparison.Ordinal);
        Assert.Contains("the function gave 2 maps for 1 taps", Message(() => VisionModel.From(Convolutional(), 32, i => (zeros(i.shape[0], 4), [i, i]), ["one"])), StringComparison.Ordinal);
        Assert.Contains("the first dimension must be the 2 images; here they come second", Message(() => VisionModel.From(Convolutional(), 32, i => (zeros(i.shape[0], 4), [zeros(16, 2, 8)]))), StringComparison.Ordinal);
        Assert.Contains("failed on images [2, 3, 7, 7]", Message(() => VisionModel.From(new TokenNet(0), 7, ["mix"])), StringComparison.Ordinal);
        Assert.Contains("no taps", Message(() => VisionModel.From(Convolutional(), 32, Array.Empty<MapTap>())), StringComparison.Ordinal);

        static string Message(Action action) => Assert.Throws<SpectralKDException>(action).Message;
    }

    private static VisionModel Student(int seed) => VisionModel.From(Convolutional(seed), SmallRun.Side, ["stem", "stages.0"], new OwnModelOptions { Name = "own" });

    private static TinyNet Convolutional(int seed = 1)
    {
        using var before = get_rng_state();
        using var generator = manual_seed(seed);
        var net = new TinyNet();
        set_rng_state(before);
        return net;
    }

    private static Tensor Images(int count) => tensor(GoldenValues.Generate("own.images", count * 3 * 32 * 32, 2, 0), [count, 3, 32, 32]);
}

/// <summary>A small convolutional network with BatchNorm.</summary>
internal sealed class TinyNet : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> stem = nn.Conv2d(3, 6, 3, stride: 2, padding: 1);
    private readonly nn.Module<Tensor, Tensor> norm = nn.BatchNorm2d(6);
    private readonly TorchSharp.Modules.Sequential stages = nn.Sequential(nn.Conv2d(6, 8, 3, stride: 2, padding: 1), nn.Conv2d(8, 10, 3, stride: 2, padding: 1));
    private readonly nn.Module<Tensor, Tensor> twice = nn.ReLU(inplace: true);
    private readonly nn.Module<Tensor, Tensor> silent = nn.Identity();
    private readonly nn.Module<Tensor, Tensor> head = nn.Linear(10, 4);

    public TinyNet()
        : base("TinyNet") => RegisterComponents();

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = silent.forward(Normed(input));
        x = twice.call(((nn.Module<Tensor, Tensor>)stages[0]).call(x));
        x = twice.call(((nn.Module<Tensor, Tensor>)stages[1]).call(x));
        return head.call(x.mean([2, 3])).MoveToOuterDisposeScope();
    }

    public Tensor Stem(Tensor input) => stem.call(input);

    public Tensor Normed(Tensor input) => norm.call(Stem(input));

    public Tensor After(Tensor map) => ((nn.Module<Tensor, Tensor>)stages[0]).call(map);
}

/// <summary>Patches as tokens, with extra tokens before them.</summary>
internal sealed class TokenNet : nn.Module<Tensor, Tensor>
{
    private readonly int _prefix;
    private readonly nn.Module<Tensor, Tensor> patches = nn.Conv2d(3, 12, 8, stride: 8);
    private readonly nn.Module<Tensor, Tensor> mix = nn.Linear(12, 12);
    private readonly nn.Module<Tensor, Tensor> head = nn.Linear(12, 5);

    public TokenNet(int prefix)
        : base("TokenNet")
    {
        _prefix = prefix;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => head.call(Tokens(input).mean([1]));

    public Tensor Tokens(Tensor input)
    {
        var grid = patches.call(input).flatten(2).transpose(1, 2);
        return mix.call(_prefix == 0 ? grid : cat([zeros(input.shape[0], _prefix, 12), grid], 1));
    }
}
