using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>One stage of Swin: patch merging (but for the first), then blocks with and without shift in turn.</summary>
internal sealed class SwinStage : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "downsample")]
    private readonly PatchMerging? _merging;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<SwinBlock> _blocks;

    public SwinStage(SwinStageSpec stage, double mlpRatio, bool first, ReadOnlySpan<double> dropPaths)
        : base(nameof(SwinStage))
    {
        _merging = first ? null : new PatchMerging(stage.Channels / 2);
        var blocks = new SwinBlock[stage.Depth];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = new SwinBlock(stage, mlpRatio, second: i % 2 == 1, dropPaths[i]);
        }

        _blocks = nn.ModuleList(blocks);
        RegisterComponents();
    }

    public IReadOnlyList<SwinBlock> Blocks => [.. _blocks];

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        map = _merging is null ? map.alias() : _merging.forward(map);
        foreach (var block in _blocks)
        {
            var input = map;
            map = block.forward(input);
            input.Dispose();
        }

        return map.MoveToOuterDisposeScope();
    }
}
