namespace SpectralKD.Weights;

/// <summary>The classifier's keys in timm's models: <c>head.*</c> (Swin: <c>head.fc.*</c>) and DeiT's <c>head_dist.*</c>.</summary>
internal static class HeadKeys
{
    private static readonly string[] Modules = ["head.fc", "head_dist", "head"];

    /// <summary>True for the weight or bias of a classifier.</summary>
    public static bool Contains(string key) => Modules.Any(module => key == module + ".weight" || key == module + ".bias");

    /// <summary>True if a text that begins with a key begins with a classifier's.</summary>
    public static bool StartsWithHead(string text) => Contains(text.Split(' ', 2)[0]);

    /// <summary>True if two shapes of a classifier's tensor differ in the first size, the number of classes, and in nothing else.</summary>
    public static bool DifferInClassesOnly(string key, IReadOnlyList<long> stored, IReadOnlyList<long> wanted) =>
        Contains(key) && stored.Count == wanted.Count && stored.Skip(1).SequenceEqual(wanted.Skip(1));
}
