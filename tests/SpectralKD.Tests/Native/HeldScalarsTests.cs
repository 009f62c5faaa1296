using TorchSharp.Modules;

namespace SpectralKD.Tests.Native;

public sealed class HeldScalarsTests
{
    public static TheoryData<string, ScalarType> Cases()
    {
        var cases = new TheoryData<string, ScalarType>();
        foreach (var name in _operations.Keys)
        {
            cases.Add(name, ScalarType.Float32);
            cases.Add(name, ScalarType.Float64);
            cases.Add(name, ScalarType.BFloat16);
        }

        return cases;
    }

    private static readonly Dictionary<string, (Func<Tensor, Tensor, Tensor> Held, Func<Tensor, Tensor, Tensor> Plain)> _operations = new()
    {
        ["a + b"] = ((a, b) => a.Plus(b), (a, b) => a + b),
        ["a - 0.3"] = ((a, _) => a.Minus(0.3), (a, _) => a - 0.3),
        ["0.3 * a"] = ((a, _) => a.Times(0.3), (a, _) => 0.3 * a),
        ["a / 3"] = ((a, _) => a.Over(3), (a, _) => a / 3),
        ["a squared"] = ((a, _) => a.Squared(), (a, _) => a.square()),
        ["a clamped"] = ((a, _) => a.Within(-1, 1), (a, _) => a.clamp(-1, 1)),
        ["a * 0.3 in place"] = ((a, _) => a.clone().MultiplyInPlace(0.3), (a, _) => a.clone().mul_(0.3)),
        ["a + b in place"] = ((a, b) => a.clone().AddInPlace(b), (a, b) => a.clone().add_(b)),
        ["a + 0.3 b in place"] = ((a, b) => a.clone().AddInPlace(b, 0.3), (a, b) => a.clone().add_(b, 0.3)),
        ["a + 0.3 in place"] = ((a, _) => a.clone().AddInPlace(0.3), (a, _) => a.clone().add_(0.3)),
        ["filled"] = ((a, _) => HeldScalars.Filled(0.3, [4], a.dtype), (a, _) => full([4], 0.3, a.dtype)),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Arithmetic_with_held_numbers_equals_torchs_to_the_bit(string operation, ScalarType type)
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var a = linspace(-3, 3, 1000, ScalarType.Float64).to(type);
        var b = linspace(0.1, 5, 1000, ScalarType.Float64).to(type);
        var (held, plain) = _operations[operation];
        Assert.True(held(a, b).allclose(plain(a, b), rtol: 0, atol: 0), operation);
    }

    [Fact]
    public void AdamW_moves_weights_as_torchs_own_does_to_the_bit_and_reads_its_file()
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var start = linspace(-2, 2, 60).reshape(6, 10);
        var (own, other, resumed) = (new Parameter(start.clone()), new Parameter(start.clone()), new Parameter(start.clone()));
        using var mine = new SpectralKD.Distillation.AdamW([Group(own)], 0.8, 0.99, 1e-7);
        using var torchs = new TorchSharp.Modules.AdamW([Group(other)], beta1: 0.8, beta2: 0.99, eps: 1e-7);
        for (var step = 0; step < 5; step++)
        {
            Step(mine, own, step);
            Step(torchs, other, step);
            Assert.True(own.allclose(other, rtol: 0, atol: 0), $"step {step}");
        }

        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        torchs.save_state_dict(writer);
        file.Position = 0;
        using var reader = new BinaryReader(file);
        using var next = new SpectralKD.Distillation.AdamW([Group(resumed)], 0.8, 0.99, 1e-7);
        next.load_state_dict(reader);
        using (no_grad())
        {
            resumed.copy_(other);
        }

        Step(next, resumed, 5);
        Step(torchs, other, 5);
        Assert.True(resumed.allclose(other, rtol: 0, atol: 0), "after the file");
    }

    private static TorchSharp.Modules.AdamW.ParamGroup Group(Parameter parameter) => new([parameter], lr: 0.01, 0.8, 0.99, 1e-7, weight_decay: 0.1);

    private static void Step(optim.Optimizer optimizer, Parameter parameter, int step)
    {
        optimizer.zero_grad();
        (parameter * parameter).mul(linspace(step, step + 3, 60).reshape(6, 10)).sum().backward();
        optimizer.step();
    }
}
