using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace SpectralKD.Native;

/// <summary>Whether a processor multiplies bfloat16 by itself, or has it done by way of float32, which takes longer than float32 alone.</summary>
public static class FastBFloat16
{
    /// <summary>What to tell a user who asks for bfloat16 on a device, in one line; null where it is fast, or nobody can tell.</summary>
    /// <param name="device">Where the model is.</param>
    public static string? Remark(torch.Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.type == DeviceType.CPU && OfProcessor == false
            ? "this processor has no fast bfloat16 (AVX512_BF16, AMX or Arm's bf16): bf16 is likely to take longer here than float32, with less exact figures"
            : null;
    }

    /// <summary>True where the processor has it, false where not; null where that cannot be found out.</summary>
    internal static bool? OfProcessor { get; } = Find();

    private static bool? Find()
    {
        if (X86Base.IsSupported)
        {
            // Leaf 7: sub-leaf 1, EAX bit 5 is AVX512_BF16; sub-leaf 0, EDX bit 22 is AMX-BF16. The system has to keep these registers: AVX-512 must be usable.
            return X86Base.CpuId(0, 0).Eax >= 7 && Avx512F.IsSupported
                && ((X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0) || (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);
        }

        return RuntimeInformation.ProcessArchitecture == Architecture.Arm64 && OperatingSystem.IsLinux() ? OfFlags("/proc/cpuinfo") : null;
    }

    // The line "Features : fp asimd … bf16 …" of each core.
    private static bool? OfFlags(string path)
    {
        try
        {
            var features = File.ReadLines(path).FirstOrDefault(line => line.StartsWith("Features", StringComparison.Ordinal));
            return features?.Split(' ').Contains("bf16");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
