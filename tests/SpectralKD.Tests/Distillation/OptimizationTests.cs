using TorchSharp.Modules;

namespace SpectralKD.Tests.Distillation;

public sealed class OptimizationTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Learning_rate_of_every_epoch_is_the_references(int index)
    {
        var expected = GoldenJson.Read("training", "schedule.json").GetProperty("cases")[index];
        var arguments = expected.GetProperty("args");
        var schedule = new CosineSchedule
        {
            Epochs = arguments.GetProperty("epochs").GetInt32(),
            LearningRate = arguments.GetProperty("lr").GetDouble(),
            MinimumRate = arguments.GetProperty("min_lr").GetDouble(),
            WarmupEpochs = arguments.GetProperty("warmup_epochs").GetInt32(),
            WarmupRate = arguments.GetProperty("warmup_lr").GetDouble(),
        };

        var used = GoldenJson.Doubles(expected.GetProperty("lr_used_in_epoch"));
        Assert.All(used.Index(), entry => Assert.Equal(entry.Item, schedule.InEpoch(entry.Index), 1e-17));
        var values = GoldenJson.Doubles(expected.GetProperty("get_lr_of_t"));
        Assert.All(values.Index(), entry => Assert.Equal(entry.Item, schedule.At(entry.Index), 1e-17));
    }

    [Fact]
    public void Average_follows_as_timms_does()
    {
        var golden = GoldenJson.Read("training", "ema.json");
        using var scope = NewDisposeScope();
        var names = golden.GetProperty("names").EnumerateArray().Select(name => name.GetString()!).ToArray();
        var parameter = new Parameter(Values(names[0]));
        using var average = new ExponentialMovingAverage([("p", parameter)], golden.GetProperty("decay").GetDouble());
        foreach (var (step, expected) in golden.GetProperty("after_update_1_2_3").EnumerateArray().Index())
        {
            using (no_grad())
            {
                parameter.copy_(Values(names[step + 1]));
            }

            average.Update();
            Assert.All(
                GoldenJson.Doubles(expected).Zip(average.Averages["p"].data<float>().ToArray()),
                pair => Assert.Equal(pair.First, pair.Second, 1e-7));
        }

        Tensor Values(string name) =>
            GoldenJson.Generate(name, GoldenJson.Longs(golden.GetProperty("shape")), golden.GetProperty("scale").GetDouble());
    }

    [Fact]
    public void Swapping_the_average_twice_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(rand(7));
        using var average = new ExponentialMovingAverage([("p", parameter)], 0.5);
        using (no_grad())
        {
            parameter.mul_(3);
        }

        var (own, other) = (parameter.data<float>().ToArray(), average.Averages["p"].data<float>().ToArray());
        average.Swap();
        Assert.Equal(other, parameter.data<float>().ToArray());
        average.Swap();
        Assert.Equal(own, parameter.data<float>().ToArray());
        Assert.Equal(other, average.Averages["p"].data<float>().ToArray());
    }

    [Fact]
    public void Weight_decay_groups_are_timms()
    {
        var golden = GoldenJson.Read("training", "param_groups.json");
        using var model = ModelCatalog.Create(golden.GetProperty("model").GetString()!);
        var groups = WeightDecayGroups.Of(model);
        foreach (var expected in golden.GetProperty("groups").EnumerateArray())
        {
            var group = expected.GetProperty("weight_decay").GetDouble() == 0 ? groups.Plain : groups.Decayed;
            Assert.Equal(expected.GetProperty("names").EnumerateArray().Select(name => name.GetString()!).Order(), group.Select(entry => entry.Name).Order());
            Assert.Equal(expected.GetProperty("numel").GetInt64(), group.Sum(entry => entry.Parameter.numel()));
        }
    }

    [Theory]
    [InlineData("swin_nano_patch2_window4_32", "relative_position_bias_table")]
    [InlineData("cait_nano_patch4_32", "cls_token")]
    public void Tables_and_tokens_take_no_weight_decay(string model, string parameter)
    {
        using var swin = ModelCatalog.Create(model);
        var groups = WeightDecayGroups.Of(swin);
        Assert.Contains(groups.Plain, entry => entry.Name.EndsWith(parameter, StringComparison.Ordinal));
        Assert.DoesNotContain(groups.Decayed, entry => entry.Name.EndsWith(parameter, StringComparison.Ordinal));
    }
}
