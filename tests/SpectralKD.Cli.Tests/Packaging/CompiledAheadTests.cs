using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests.Packaging;

/// <summary>What RoslynAhead.targets makes native code of, in the folder where the command line's own build left it.</summary>
public sealed class CompiledAheadTests
{
    private static readonly string s_program = Path.GetDirectoryName(ProgramRun.CommandLine)!;
    private static readonly string s_ahead = Path.Combine(SharedData.RepositoryRoot, "src", "SpectralKD.Cli", "obj", "ahead");

    [Theory]
    [InlineData("Microsoft.CodeAnalysis.dll")]
    [InlineData("Microsoft.CodeAnalysis.CSharp.dll")]
    [InlineData("Microsoft.CodeAnalysis.Features.dll")]
    [InlineData("Microsoft.DotNet.Interactive.Formatting.dll")]
    [InlineData("System.CommandLine.dll")]
    [InlineData("NetMQ.dll")]
    public void The_host_finds_a_package_that_a_kernel_starts_with_as_native_code(string name)
    {
        SkipWithoutAhead();
        var path = Assert.Single(Directory.GetFiles(Path.Combine(s_program, "runtimes"), name, SearchOption.AllDirectories));
        Assert.True(IsNative(path), $"{path} holds no native code");
        Assert.Contains(Path.GetRelativePath(s_program, path).Replace('\\', '/'), File.ReadAllText(Path.Combine(s_program, "SpectralKD.Cli.deps.json")));
    }

    [Theory]
    [InlineData("SpectralKD")]
    [InlineData("SpectralKD.Interactive")]
    [InlineData("SpectralKD.Notebook")]
    [InlineData("SpectralKD.Cli")]
    public void The_program_is_native_code_unless_it_was_edited_since_and_always_what_was_built_last(string name)
    {
        SkipWithoutAhead();
        var builds = Path.Combine(SharedData.RepositoryRoot, "src", name, "obj", ProgramRun.Configuration);
        var built = Directory.GetDirectories(builds, "net*").Select(folder => Path.Combine(folder, $"{name}.dll")).Where(File.Exists).MaxBy(File.GetLastWriteTimeUtc)!; // an earlier target's folder may be left
        var ahead = Path.Combine(s_ahead, ProgramRun.Configuration, $"{name}.dll");
        var run = Path.Combine(s_program, $"{name}.dll");
        Assert.True(IsNative(ahead), $"{ahead} holds no native code");
        Assert.Equal(File.GetLastWriteTimeUtc(ahead) > File.GetLastWriteTimeUtc(built), IsNative(run));
        Assert.Equal(Identity(built), Identity(run));
    }

    private static void SkipWithoutAhead()
        => Assert.SkipWhen(new FileInfo(Path.Combine(s_ahead, "in-deps.txt")) is not { Exists: true, Length: > 0 }, "skipped: the program was built with RoslynAhead=false");

    private static bool IsNative(string path)
    {
        using var reader = new PEReader(File.OpenRead(path));
        return reader.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0;
    }

    /// <summary>Another with each compilation of other sources, the same in the native form.</summary>
    private static Guid Identity(string path)
    {
        using var reader = new PEReader(File.OpenRead(path));
        var metadata = reader.GetMetadataReader();
        return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
    }
}
