using static TorchSharp.torch;

namespace SpectralKD.Models;

/// <summary>Collects the feature maps that were asked for during one forward pass.</summary>
internal sealed class KeptMaps(IReadOnlyCollection<int> wanted)
{
    private readonly List<FeatureMap> _maps = [];

    /// <summary>For passes that only want logits.</summary>
    public static KeptMaps None { get; } = new([]);

    /// <summary>The maps kept so far, in the order of the blocks.</summary>
    public IReadOnlyList<FeatureMap> Maps => _maps;

    public bool Wants(int block) => wanted.Contains(block);

    public void Keep(int block, Tensor map) => _maps.Add(new FeatureMap(block, map));
}
